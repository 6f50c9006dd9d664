"""Which questions a study's models lost: each with its choices, and the answers before and after.

The folder `questions` beside the study's tables has a page for every set, and all texts.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe.artefacts.paths import study_directory
from lethe.artefacts.study_files import ITEMS, QUESTIONS, check_long_tables
from lethe.commands.arguments import add_study_arguments, read
from lethe.commands.named_nodes import find
from lethe.config.catalogue import Study
from lethe.errors import UserError, guess, one_line, shown

if TYPE_CHECKING:
    import pandas as pd

    from lethe.questions.changes import Answer, Change
    from lethe.questions.lines import LineItems

LONGEST = 400
"""Letters of a text in the terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    parser.add_argument("--set", action="append", default=[], metavar="SET", help="only this set")
    parser.add_argument("--line", default="", metavar="TEXT", help="only lines with these words")
    parser.add_argument(
        "--node", metavar="NODE", help="what was lost up to this checkpoint, by words or id"
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--lost", action="store_true", help="items that were lost (default)")
    group.add_argument("--regained", action="store_true", help="items that were regained")
    group.add_argument("--all", action="store_true", help="all items")
    parser.add_argument("--most", type=int, default=10, metavar="N", help="of a set and line: 10")
    parser.add_argument(
        "--json", action="store_true", help="every such item as a line of JSON, without `--most`"
    )


def run(arguments: argparse.Namespace) -> None:
    study, _ = read(arguments)
    folder = study_directory(study.output, study.study)
    if not (folder / "scores.csv").is_file():
        raise UserError(f"expected scores of the study at {folder}, found none; run it first.")
    if arguments.most < 1:
        raise UserError(f"--most: expected a whole number above 0, found {arguments.most}.")
    from lethe.longtables.items import item_files
    from lethe.longtables.tables import read_scores
    from lethe.questions.study import sets_of

    check_long_tables(folder)
    known = item_files(folder / ITEMS)
    if not known:
        raise UserError(f"expected tables of items in {folder / ITEMS}, found none; run it again.")
    for name in arguments.set:
        if name not in known:
            hint = guess(name, known) or "."
            raise UserError(f"--set: expected one of {', '.join(known)}, found {shown(name)}{hint}")
    node = _node(arguments, study)
    some = False
    for probe, lines, table in sets_of(
        read_scores(folder / "scores.csv"), folder / ITEMS, arguments.set
    ):
        for line in lines:
            shorter = line if node is None else _until(line, node, table)
            if arguments.line in line.name and shorter is not None:
                some = True
                print_line(probe, shorter, folder / QUESTIONS, arguments)
    if not some and node is not None:
        raise UserError(
            f"--node: expected a checkpoint after the base on the first run of a line, found "
            f"{shown(arguments.node)}; it was not scored, or is of another seed: of repetitions, "
            "items are shown for the first seed alone."
        )
    if not some:
        raise UserError(
            f"--line: expected words of a line that was scored before and after a stage, found "
            f"{shown(arguments.line)}; `lethe status` lists the lines."
        )


def _node(arguments: argparse.Namespace, study: Study) -> str | None:
    if arguments.node is None:
        return None
    arguments.results, arguments.study = Path(study.output), study.study
    return find(arguments, arguments.node)


def _until(line: "LineItems", node: str, table: "pd.DataFrame") -> "LineItems | None":
    """The line as if it ended at a checkpoint; None if that is not on it, or is its start."""
    from lethe.questions.changes import is_graded, paired

    nodes = [name for _, name in line.stages]
    if node not in nodes[1:]:
        return None
    ends = [table[table["node"] == name] for name in (nodes[0], node)]
    stages = line.stages[: nodes.index(node) + 1]
    return replace(line, stages=stages, rows=paired(*ends, is_graded(table)))


def print_line(probe: str, line: "LineItems", texts: Path, arguments: argparse.Namespace) -> None:
    """Print the chosen items of one set and line."""
    from lethe.questions.changes import BETTER, LOST, REGAINED, WORSE, changes
    from lethe.questions.study import texts_of

    rows = line.rows
    if not arguments.all:
        kinds = (REGAINED, BETTER) if arguments.regained else (LOST, WORSE)
        rows = rows[rows["kind"].isin(kinds)]
    if arguments.json:
        for row in _json_rows(probe, line, rows, texts):
            print(json.dumps(row))
        return
    counts = ", ".join(f"{count} {kind}" for kind, count in line.counts.items())
    print(f"\n{one_line(probe)}: {one_line(line.name)}, {one_line(line.ends)}")
    print(f"  {len(line.rows)} items: {counts}")
    left = len(rows) - arguments.most
    rows = rows.head(arguments.most)
    for change in changes(rows, texts_of(texts, probe, set(rows.index))):
        print("\n".join(_lines(change)))
    if left > 0:
        print(f"\n  {left} more; --most {left + arguments.most} shows all")


def _lines(change: "Change") -> Iterator[str]:
    """One item for the terminal."""
    question = change.question
    yield f"\n  {change.kind}  {change.item_id}"
    if question is None:
        yield "    (its texts are not kept)"
    else:
        if question.text:
            yield f"    {_short(question.text)}"
        for place, choice in enumerate(question.choices):
            yield f"    {'*' if place in question.gold else ' '} {_short(choice)}"
        for right in question.answers:
            yield f"    * {_short(right)}"
    yield f"    before: {_answer(change.before)}"
    yield f"    after:  {_answer(change.after)}"


def _answer(answer: "Answer") -> str:
    text = _short(answer.text)
    if answer.choice is not None and not text:
        text = f"choice {answer.choice + 1}"
    return text if answer.margin is None else f"{text}  (margin {answer.margin:+.2f})"


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _json_rows(probe: str, line: "LineItems", rows: Any, texts: Path) -> Iterator[dict[str, Any]]:
    """Items as plain values, in the order of the texts, which are read one by one."""
    from lethe.longtables.questions import file_of, read_questions
    from lethe.questions.changes import changes

    path, left = file_of(texts, probe), set(rows.index)
    asked = read_questions(path, set(rows.index)) if path.is_file() else iter(())
    for question in asked:
        left.discard(question.item_id)
        one = rows.loc[[question.item_id]]
        for change in changes(one, {question.item_id: question}):
            yield _json_row(probe, line, change)
    for change in changes(rows[rows.index.isin(left)], {}):
        yield _json_row(probe, line, change)


def _json_row(probe: str, line: "LineItems", change: "Change") -> dict[str, Any]:
    asked = {} if change.question is None else change.question.row()
    ends = {"before": vars(change.before), "after": vars(change.after)}
    of = {"set": probe, "line": line.name, "from": line.stages[0][0], "to": line.stages[-1][0]}
    return {**of, "item_id": change.item_id, "change": change.kind, **asked, **ends}
