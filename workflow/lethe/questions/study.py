"""The items of a study: its folder of texts and pages, a set at a time."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd

from lethe.artefacts.files import write_atomic
from lethe.longtables.items import file_stem, item_files, read_answers
from lethe.longtables.questions import Question, file_of, read_questions
from lethe.questions.lines import LineItems, lines_of
from lethe.questions.page import set_page, shown_items


def sets_of(
    scores: pd.DataFrame, items: Path, wanted: Collection[str] = ()
) -> Iterator[tuple[str, list[LineItems], pd.DataFrame]]:
    """(set, its lines, its table of items) of every set that was scored before and after a stage.

    Args:
        items: the folder of tables of items. wanted: only these sets; empty: all.
    """
    for probe, path in item_files(items).items():
        if wanted and probe not in wanted:
            continue
        table = read_answers(path)
        if found := list(lines_of(scores, probe, table)):
            yield probe, found, table


def write_pages(scores: pd.DataFrame, items: Path, folder: Path) -> list[Path]:
    """Write the page of every set; its texts are those in the folder."""
    written = []
    for probe, found, table in sets_of(scores, items):
        named = (shown_items(line, len(found)) for line in found)
        wanted = {name for kinds in named for ids in kinds.values() for name in ids}
        nodes = {node for line in found for _, node in line.stages}
        rows = table[table["node"].isin(nodes) & table["item_id"].isin(wanted)]
        answers = {
            str(node): part.set_index("item_id").to_dict("index")
            for node, part in rows.groupby("node", observed=True)
        }
        page = set_page(probe, found, texts_of(folder, probe, wanted), answers)
        written.append(folder / f"{file_stem(probe)}.html")
        write_atomic(written[-1], page)
    return written


def texts_of(folder: Path, probe: str, wanted: set[str]) -> dict[str, Question]:
    """The texts of the items `wanted`, by id; empty if none of the set are kept."""
    path = file_of(folder, probe)
    if not path.is_file():
        return {}
    return {question.item_id: question for question in read_questions(path, wanted)}
