"""A finished study in Python: `lethe.load_study(folder)` gives its results as data frames."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import pandas as pd

from lethe.artefacts.study_files import ITEMS
from lethe.claims.report import tested
from lethe.errors import UserError
from lethe.longtables.dev_sets import shown
from lethe.longtables.items import ItemTables
from lethe.longtables.schema import columns
from lethe.longtables.study_folder import StudyFolder, open_study
from lethe.longtables.tables import LongTables


class Study:
    """The results of one study; each table is read when it is first asked for.

    The columns of every table are in `workflow/schemas`; numbers are floats, integers that may be
    missing Int64. A long table that the study lacks has no rows.
    """

    def __init__(self, study: StudyFolder) -> None:
        self._study = study
        self.folder = study.folder
        self.name = study.record.study

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row per run, stage, evaluation set and metric."""
        return self._table("scores")

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """A row per number with its 95 % interval, `low` to `high`."""
        return self._table("metrics")

    @cached_property
    def stages(self) -> pd.DataFrame:
        """A row per number that a stage recorded: losses, costs."""
        return self._table("stages")

    @cached_property
    def changes(self) -> pd.DataFrame:
        """A row per pair of stages and set: items kept, lost, regained, never known."""
        return self._table("changes")

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """A row per stage, set and measure of calibration."""
        return self._table("calibration")

    @cached_property
    def items(self) -> Mapping[str, pd.DataFrame]:
        """By evaluation set, a row per item and checkpoint (the column `node` of `scores`).

        Empty where a kept study was kept without its items.
        """
        return ItemTables(self.folder / ITEMS, choices=True)

    @cached_property
    def claims(self) -> pd.DataFrame:
        """The published claims that the study tests, each with its verdict, tested again."""
        wanted = self._study.record.claims
        if not wanted:
            return pd.DataFrame()
        tables = LongTables(scores=shown(self.scores), metrics=self.metrics).parted()
        return tested(tables, wanted).frame

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self._study.tables:
            return pd.DataFrame(columns=columns(name))
        return self._study.frame(name)

    def __repr__(self) -> str:
        return f"<study {self.name!r} in {self.folder}>"


def load_study(folder: Path | str) -> Study:
    """The study in a folder: that of a finished run (`results/studies/NAME`), or a kept one.

    Raises:
        UserError: the folder holds no study, or a table that was altered.
    """
    path = Path(folder)
    if not path.is_dir():
        raise UserError(f"{path}: expected the folder of a study, found none.")
    return Study(open_study(path))
