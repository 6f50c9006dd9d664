"""A made-up study of two methods with single items, and its report. Not data."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
from study_folder_case import SMALL, small_record, stages_of, write_study
from synthetic_study import synthetic_study

from lethe.longtables.questions import Question, file_of, write_questions
from lethe.longtables.study_folder import open_study
from lethe.longtables.study_record import StudyRecord
from lethe.longtables.tables import write_stages
from lethe.report.page import page
from lethe.report.source import Source
from lethe.tables.compute import MEASURES

LOST_TASK, LAST = "own_simp", 2


def two_methods(seeds: tuple[int, ...] = (0, 1, 2), other: str = "replay"):
    """(scores, items) of plain training, and of a method that loses nothing of its first task."""
    scores, items = synthetic_study(replace(SMALL, base_seeds=seeds))
    trained = scores["stage_index"] > 0
    again = scores.assign(
        method=other, node=scores["node"].where(~trained, scores["node"] + f"-{other}")
    )
    is_lost = (again["probe"] == LOST_TASK) & (again["stage_index"] == LAST)
    kept = again[(again["probe"] == LOST_TASK) & (again["stage_index"] == LAST - 1)]
    by_seed = kept.set_index("base_seed")["value"]
    again["value"] = again["value"].mask(is_lost, again["base_seed"].map(by_seed))
    nodes = scores.loc[trained, "node"].unique()
    copies = items[items["node"].isin(nodes)]
    copies = copies.assign(node=copies["node"] + f"-{other}")
    return pd.concat([scores, again]), pd.concat([items, copies])


def reported(folder: Path, scores, items, record: StudyRecord | None = None, files=()) -> Source:
    """A study in a folder, with its metrics, as the report reads it."""
    write_study(folder, scores, items, record or small_record(), summarized=True)
    write_stages(folder / "stages.csv", costs_of(scores))
    return Source(open_study(folder), files)


def costs_of(scores: pd.DataFrame) -> list[dict]:
    """All that a stage costs, a number each."""
    return [
        row | {"measure": f"cost.{name}"}
        for row in stages_of(scores)
        if row["measure"] == "cost.steps"
        for name in MEASURES
    ]


def ask(folder: Path, items: pd.DataFrame, probe: str, text: str) -> None:
    """Keep the same text for every item of a set."""
    names = items.loc[items["probe"] == probe, "item_id"].unique()
    (folder / "questions").mkdir(exist_ok=True)
    questions = (Question(name, text, (text, "b", "c", "d"), (0,)) for name in names)
    write_questions(file_of(folder / "questions", probe), questions)


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, texts of some, ids."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.copies: dict[str, str] = {}
        self.text = ""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.bytes = page(source)
        self.feed(self.bytes.decode("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tag, attributes = self._open[-1] if self._open else ("", {})
        if tag == "script":
            self.scripts.append(data)
        elif tag == "pre" and attributes.get("id"):
            name = str(attributes["id"])
            self.copies[name] = self.copies.get(name, "") + data
        elif tag != "style":
            self.text += data

    @property
    def sections(self) -> set[str]:
        return {
            str(found["id"]) for tag, found in self.elements if tag == "section" and "id" in found
        }
