"""Did a fine-tune forget anything? Checkpoints or result files, set by set, with a verdict each.

Each of BEFORE and AFTER is a checkpoint's folder, a PEFT adapter, a name of the hub, a checkpoint
of a study by words (xs/base@0), a file or folder that `lm_eval --output_path` wrote, or what `lethe
evaluate --json` printed or --out kept.
Several AFTERs are a chain: each is compared with BEFORE. Exit status: 0; 3 if a set is lost; with
`--fail-on undecided` 4 if one is undecided; 2 after a mistake.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from lethe.artefacts.files import write_atomic
from lethe.artefacts.paths import score_store
from lethe.commands.evaluate import (
    add_place_arguments,
    add_scoring_arguments,
    add_task_arguments,
    evaluate,
    of_texts,
    options_of,
    say_scored,
)
from lethe.commands.named_nodes import Checkpoint, checkpoints_of, require_model
from lethe.commands.study_sets import choose
from lethe.comparison.abilities import Known
from lethe.comparison.choices import Choices, pairs
from lethe.comparison.compared import compare
from lethe.comparison.report import Report, as_dict
from lethe.comparison.scored import Made, Scores, read_kept_results, read_lm_eval
from lethe.comparison.targets import CHECKPOINT, KEPT, Target, find_targets
from lethe.comparison.terminal import as_text
from lethe.errors import UserError
from lethe.evaluation.probe_tasks import Asked
from lethe.metrics.verdicts import LOST, UNDECIDED

STATUS = {LOST: 3, UNDECIDED: 4}
MARGIN = 2.0
SCORING = {"limit": None, "shots": None, "chat": None, "split": None, "dtype": "float32"}
"""Options that change scores, with the value of each if it is not given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lethe compare`."""
    parser.add_argument("before", metavar="BEFORE", help="what was there before, as a base")
    parser.add_argument("after", metavar="AFTER", nargs="+", help="what came of it, in order")
    _add_judging(parser)
    written = parser.add_argument_group("what is written")
    written.add_argument("--json", action="store_true", help="print everything as JSON")
    written.add_argument("--html", metavar="PAGE", help="also write a page to read and share")
    written.add_argument(
        "--fail-on", choices=(LOST, UNDECIDED), default=LOST, help="see exit status; default: lost"
    )
    written.add_argument("--out", metavar="DIR", help="keep scores here; kept ones are not rerun")
    parser.add_argument("--base", metavar="MODEL", help="of an adapter, if its file does not say")
    add_task_arguments(parser)
    add_place_arguments(parser)
    add_scoring_arguments(parser)


def _add_judging(parser: argparse.ArgumentParser) -> None:
    judging = parser.add_argument_group("how it is judged")
    judging.add_argument(
        "--margin",
        type=float,
        default=MARGIN,
        metavar="POINTS",
        help="a drop up to this many points is no loss; default: 2",
    )
    judging.add_argument(
        "--margin-of",
        action="append",
        default=[],
        metavar="METRIC=VALUE",
        help="the margin of a metric: of a share in points (acc=2), of another in its own unit; a "
        "perplexity or BLEU has none otherwise",
    )
    judging.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="[TASK=]METRIC",
        help="the metric to compare, of one task or of all that have it; default: their first",
    )
    judging.add_argument(
        "--ability",
        action="append",
        default=[],
        metavar="NAME=TASK,...",
        help="the ability of tasks, which are grouped by it; a task may be the start of names",
    )
    judging.add_argument(
        "--harmless",
        action="extend",
        nargs="+",
        default=[],
        metavar="SETTING",
        help="what may differ between the two because you know that it changes no score",
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and say by the status whether anything was lost."""
    choices = Choices.read(arguments)
    given = [arguments.before, *arguments.after]
    named = checkpoints_of(arguments.results, given, arguments.study)
    targets = _targets(given, named)
    if arguments.html and not Path(arguments.html).absolute().parent.is_dir():
        raise UserError(f"--html: there is no folder for {arguments.html}; make it first.")
    files = _read_files(targets, texts=bool(arguments.html))
    asked: dict[str, Asked] = {}
    if len(files) == len(targets):
        _refuse_scoring(arguments)
    else:
        models = [target for target in targets if target.kind == CHECKPOINT]
        for model in models:
            require_model(arguments, model.given)
        asked = choose(arguments, [one for one in named.values() if one], models[0].given)
        choices = replace(Choices.read(arguments), usual=_usual(asked))
    scores = _score(targets, files, list(named.values()), arguments, asked)
    by_after = pairs(scores, choices)
    compared = [
        compare(one.label, one.changes, one.missing, choices.margin, choices.margins)
        for one in by_after
    ]
    report = Report(
        targets[0], targets[1:], compared, choices.margin, choices.margins, choices.harmless
    )
    if arguments.html:
        from lethe.comparison.page import as_page

        write_atomic(Path(arguments.html), as_page(report, _texts(targets, arguments, asked)))
    if arguments.json:
        print(json.dumps(as_dict(report), indent=2, allow_nan=False))
    else:
        print(as_text(report))
    return _status(report.words(), arguments.fail_on)


def _targets(given: list[str], named: dict[str, Checkpoint | None]) -> list[Target]:
    """What is compared; checkpoints of a study have their words as labels, where these differ."""
    folders = [str(one.made() if (one := named[name]) else name) for name in given]
    found = find_targets(folders)
    words = [one.words if (one := named[name]) else "" for name in given]
    return [
        replace(target, label=word) if word and words.count(word) == 1 else target
        for target, word in zip(found, words, strict=True)
    ]


def _usual(asked: dict[str, Asked]) -> dict[str, Known]:
    """What the study says of its own sets, as the catalogue does of others."""
    return {
        name: Known(one.task.axis, one.metric, one.task.chance, one.task.cluster)
        for name, one in asked.items()
    }


def _status(words: list[str], fail_on: str) -> int:
    if LOST in words:
        return STATUS[LOST]
    return STATUS[UNDECIDED] if fail_on == UNDECIDED and UNDECIDED in words else 0


def _read_files(targets: list[Target], texts: bool) -> dict[int, Scores]:
    """By place, the scores of the targets that are files, which are read before any are made."""
    return {
        index: read_kept_results(target)
        if target.kind == KEPT
        else read_lm_eval(target, index, texts=texts)
        for index, target in enumerate(targets)
        if target.kind != CHECKPOINT
    }


def _score(
    targets: list[Target],
    read: dict[int, Scores],
    named: list[Checkpoint | None],
    arguments: argparse.Namespace,
    asked: dict[str, Asked],
) -> list[Scores]:
    """The scores of every target. read: those of files, by place."""
    scores: list[Scores] = []
    for index, (target, checkpoint) in enumerate(zip(targets, named, strict=True)):
        if index in read:
            scores.append(read[index])
            continue
        say_scored(target.label, of_study=checkpoint is not None)
        options = options_of(arguments, asked)
        options["base"] = arguments.base if _is_adapter(target) else None
        if checkpoint:
            options["made"] = score_store(checkpoint.results, checkpoint.node)
        results = evaluate(target.given, **options)
        scores.append(Made(target, {result["task"]: result for result in results}))
    return scores


def _refuse_scoring(arguments: argparse.Namespace) -> None:
    """Of results that are read nothing is scored: an option that would change scores does not."""
    for name, usual in SCORING.items():
        if getattr(arguments, name) != usual:
            raise UserError(
                f"--{name}: changes how a checkpoint is scored, but all that is given was scored "
                "already; leave it out, or give checkpoints."
            )


def _is_adapter(target: Target) -> bool:
    return (Path(target.given) / "adapter_config.json").is_file()


def _texts(
    targets: list[Target], arguments: argparse.Namespace, asked: dict[str, Asked]
) -> dict[str, dict[str, Any]]:
    """Question, choices and right answers by set and item, as far as they can be had here."""
    if all(target.kind != CHECKPOINT for target in targets):
        return {}
    from lethe.evaluation.questions import questions
    from lethe.evaluation.task_names import named_tasks
    from lethe.sources.hub.copies import HubCopies

    options = options_of(arguments, asked)
    hub = HubCopies(Path(arguments.source) if arguments.source else None, arguments.network)
    how = {name: options[name] for name in ("split", "limit", "studys")}
    texts = of_texts(options["task_names"], how["studys"])
    names = [name for name in options["task_names"] if name not in texts]
    if not names:
        return {}
    tasks = named_tasks(names, options["include_path"], shots=0, hub=hub, **how)
    return {task.name: {q.item_id: q.row() for q in questions(task)} for task in tasks}
