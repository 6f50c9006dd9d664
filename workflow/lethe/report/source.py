"""What a report is made of: a study's long tables, and of a finished run what made them."""

import csv
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from lethe.artefacts.manifests import LOGS, read_manifest
from lethe.artefacts.paths import node_directory, node_manifest, results_of
from lethe.artefacts.study_files import COLLECTED, ITEMS, QUESTIONS
from lethe.claims.report import tested
from lethe.longtables.items import item_files
from lethe.longtables.study_folder import NEEDED, StudyFolder
from lethe.longtables.tables import LongTables
from lethe.metrics.warnings import study_warnings
from lethe.tables.writing import Table


@dataclass(frozen=True)
class Source:
    """A study as its report reads it.

    Attributes:
        study: its folder and its record.
        files: the study's files of settings as they were given, then single values as they are
            typed; empty if unknown.
    """

    study: StudyFolder
    files: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.study.record.study

    @property
    def folder(self) -> Path:
        return self.study.folder

    @cached_property
    def tables(self) -> LongTables:
        """The long tables, reference chains apart."""
        return self.study.long_tables()

    @cached_property
    def warnings(self) -> pd.DataFrame:
        """As `study_warnings` has them."""
        return study_warnings(self.tables.scores, self.tables.stages)

    @cached_property
    def claims(self) -> Table | None:
        """The claims of the study, tested; None if it has none."""
        wanted = self.study.record.claims
        # They are tested on scores and metrics alone, as `lethe claims` does.
        return tested(self.study.long_tables(NEEDED), wanted) if wanted else None

    @cached_property
    def item_sets(self) -> dict[str, Path]:
        """The tables of items by set; empty if they were not kept."""
        return item_files(self.folder / ITEMS) if (self.folder / ITEMS).is_dir() else {}

    @property
    def questions(self) -> Path:
        """The folder of texts, which a kept study has not."""
        return self.folder / QUESTIONS

    @cached_property
    def made(self) -> "list[Made]":
        """What made each checkpoint that a stage trained, where its manifest is still there."""
        if not (self.folder / COLLECTED).is_file() or not len(self.tables.stages):
            return []
        results = results_of(self.folder)
        nodes = dict.fromkeys(self.tables.stages["node"])
        found = [node for node in nodes if node_manifest(results, "stage", node).is_file()]
        return [Made.read(results, node) for node in found]


@dataclass(frozen=True)
class Made:
    """How a stage was trained. losses: (step, loss) of every step; empty if its log is gone."""

    node: str
    halvings: int
    losses: list[tuple[int, float]] = field(repr=False)

    @classmethod
    def read(cls, results: Path, node: str) -> "Made":
        """From the manifest of the stage and the log beside it."""
        halvings = read_manifest(node_manifest(results, "stage", node)).get("halvings", ())
        log = node_directory(results, "stage", node) / LOGS[0]
        return cls(node, len(halvings), _losses(log))


def _losses(path: Path) -> list[tuple[int, float]]:
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
