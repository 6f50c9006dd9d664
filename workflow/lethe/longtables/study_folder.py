"""A folder with the long tables of a study: kept, assembled, or as the workflow made them."""

import hashlib
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lethe.artefacts.files import atomic_path, write_atomic
from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.nodes import read_spec
from lethe.artefacts.output_folder import require_writable
from lethe.artefacts.paths import results_of
from lethe.artefacts.study_files import COLLECTED, ITEMS, check_long_tables, read_record
from lethe.errors import UserError
from lethe.longtables.dev_sets import shown, words
from lethe.longtables.items import ENDING as ITEMS_ENDING
from lethe.longtables.items import ItemTables, file_name
from lethe.longtables.made_by import made_by
from lethe.longtables.parquet_tables import (
    ENDING,
    NAMES,
    ParquetTable,
    parquet_table,
    write_parquet,
)
from lethe.longtables.run import run_of
from lethe.longtables.schema import parse_table
from lethe.longtables.settings import chain_settings, chain_words
from lethe.longtables.study_record import (
    FILE,
    StudyRecord,
    read_study_record,
    write_study_record,
)
from lethe.longtables.tables import LongTables

NEEDED = ("scores", "metrics")
"""Long tables without which there is nothing to draw; stages are absent if none was trained."""
CLAIMS = Path("claims", "claims.json")
"""The manifest of a study's tested claims, in its folder."""


@dataclass(frozen=True)
class StudyFolder:
    """A study's long tables, as CSV or as Parquet, with its record."""

    folder: Path
    record: StudyRecord

    @property
    def tables(self) -> dict[str, Path]:
        """The file of every long table that is there, by name."""
        places = {
            name: [self.folder / f"{name}{ending}" for ending in (ENDING, ".csv")] for name in NAMES
        }
        found = {name: [path for path in paths if path.is_file()] for name, paths in places.items()}
        return {name: paths[0] for name, paths in found.items() if paths}

    def text(self, name: str) -> str:
        """A long table as the text of its CSV file.

        Raises:
            UserError: it breaks its schema, or was altered since it was kept.
        """
        path = self.tables[name]
        if path.suffix != ENDING:
            return path.read_text(encoding="utf-8")
        return self._kept(name).text

    def _kept(self, name: str) -> ParquetTable:
        """A table that was kept; UserError as in `text`."""
        path = self.tables[name]
        kept = parquet_table(name, path)
        if not kept.is_older and self.record.sha256.get(name) not in (None, text_sha256(kept.text)):
            raise UserError(
                f"{path}: does not hold what {FILE} beside it says, so one of them was altered; "
                "keep the study again, or restore both."
            )
        return kept

    def frame(self, name: str) -> pd.DataFrame:
        """A long table; UserError as in `text`."""
        path = self.tables[name]
        if path.suffix == ENDING:
            return self._kept(name).frame
        return parse_table(name, self.text(name), str(path))

    def long_tables(self, names: Collection[str] = NAMES) -> LongTables:
        """What tables and figures are drawn from, reference chains apart; UserError as in `text`.

        names: of the long tables that are read, `scores` and `metrics` among them.
        """
        frames = {name: self.frame(name) for name in self.tables if name in names}
        rows = frames.pop("scores")
        return LongTables(scores=shown(rows), on_dev=words(rows), **frames).parted()

    def items(self) -> ItemTables:
        """The tables of items.

        Raises:
            UserError: the study had some that are not here.
        """
        for probe in self.record.item_sets:
            path = self.folder / ITEMS / file_name(probe)
            if not path.is_file():
                raise UserError(
                    f"{path}: expected the items of {probe}, found none; keep the study with "
                    "`--items`, name the folder in which it was run, or join its parts with "
                    "`lethe assemble --without-items`."
                )
        return ItemTables(self.folder / ITEMS)


def open_study(folder: Path) -> StudyFolder:
    """The study in a folder.

    Raises:
        UserError: it is no such folder, lacks a table that is needed, or holds one that was
            altered since the workflow made it.
    """
    if (folder / FILE).is_file():
        study = StudyFolder(folder, read_study_record(folder))
    elif (folder / COLLECTED).is_file():
        study = StudyFolder(folder, _made_record(folder))
    else:
        raise UserError(
            f"{folder}: expected a study's folder, with {COLLECTED} (as `results/studies/NAME` of "
            f"a finished run) or {FILE} (as `lethe keep` writes), found neither."
        )
    for name in NEEDED:
        if name not in study.tables:
            raise UserError(f"{folder}: expected {name}.csv or {name}{ENDING}, found neither.")
    return study


def keep(study: StudyFolder, to: Path, with_items: bool) -> list[Path]:
    """Write a study's long tables as Parquet, and its record; returns the files.

    Raises:
        UserError: a table breaks its schema, or items are wanted that are not there.
    """
    require_place(to, [study.folder], "--to")
    written, sums = [], {}
    for name in study.tables:
        written.append(to / f"{name}{ENDING}")
        write_parquet(name, written[-1], study.frame(name))
        sums[name] = text_sha256(parquet_table(name, written[-1]).text)
    if with_items:
        written += copy_items(study, to)
    _remove_others([*to.glob(f"*{ENDING}"), *(to / ITEMS).glob(f"*{ITEMS_ENDING}")], written)
    return [*written, write_study_record(to, replace(study.record, sha256=sums))]


def unpack(study: StudyFolder, out: Path) -> list[Path]:
    """Write a study's long tables as the CSV files from which the workflow draws.

    Items are copied if they are there; nothing is written where the study lies as CSV.

    Raises:
        UserError: the workflow has made a study there, or a table is not as it was kept.
    """
    if out.resolve() == study.folder.resolve() and study.tables["scores"].suffix != ENDING:
        return list(study.tables.values())
    require_place(out, [study.folder])
    written = []
    for name in study.tables:
        written.append(out / f"{name}.csv")
        write_atomic(written[-1], study.text(name))
    if (study.folder / ITEMS).is_dir():
        copy_items(study, out)
    _remove_others([out / f"{name}.csv" for name in NAMES], written)
    write_study_record(out, replace(study.record, sha256={}))
    return written


def require_place(folder: Path, read: list[Path], option: str = "--out") -> None:
    """Refuse to write where a study lies that is not to be replaced.

    Args:
        read: folders of studies that are read. option: that names the folder.

    Raises:
        UserError: the folder is one of these, a run made what is there, or it is not writable.
    """
    is_read = folder.resolve() in [path.resolve() for path in read]
    if is_read or (folder / COLLECTED).is_file():
        found = "the study itself" if is_read else "one that holds a study's run"
        raise UserError(
            f"{folder}: expected another folder, found {found}; name one with {option}."
        )
    require_writable(folder)


def _remove_others(found: list[Path], written: list[Path]) -> None:
    """Remove tables that an earlier study left, for they would be read with the new ones."""
    for path in set(found) - set(written):
        path.unlink(missing_ok=True)


def copy_items(study: StudyFolder, to: Path) -> list[Path]:
    """Copy the tables of items; UserError if there are fewer than there were."""
    study.items()
    files = sorted((study.folder / ITEMS).glob(f"*{ITEMS_ENDING}"))
    for path in files:
        with atomic_path(to / ITEMS / path.name) as temporary:
            shutil.copyfile(path, temporary)
    return [to / ITEMS / path.name for path in files]


def text_sha256(text: str) -> str:
    """Hex sha256 of a text's bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _made_record(folder: Path) -> StudyRecord:
    """The record of a study that the workflow made, from the specs in its results folder."""
    results = results_of(folder)
    check_long_tables(folder)
    record = read_record(_spec_of(results, folder / COLLECTED, "record"))
    claims: list[dict[str, Any]] = []
    if (folder / CLAIMS).is_file():
        claims = read_record(_spec_of(results, folder / CLAIMS, "claims"))["claims"]
    return StudyRecord(
        study=record["study"],
        bootstrap_seed=record["bootstrap_seed"],
        tables=record["tables"],
        figures=record["figures"],
        widths=_widths(folder, record["figures"]),
        claims=claims,
        settings=_settings(record, results),
        item_sets=sorted(ItemTables(folder / ITEMS)),
        made_by=made_by((node for run in record["runs"] for node in run["checkpoints"]), results),
    )


def _widths(folder: Path, figures: list[str]) -> dict[str, str]:
    """The widths that a study gives its figures; each is in the figure's manifest."""
    manifests = {name: folder / "figures" / f"{name}.json" for name in figures}
    inputs = {name: read_manifest(path)["inputs"] for name, path in manifests.items()}
    return {name: found["width"] for name, found in inputs.items() if "width" in found}


def _spec_of(results: Path, manifest: Path, key: str) -> Path:
    """The record in a results folder that files of a study were made from."""
    name = read_manifest(manifest)["inputs"].get(key)
    path = results / "specs" / f"{name}.json"
    if name is None or not path.is_file():
        raise UserError(
            f"{manifest}: expected the record that it was made from at {path}, found none: "
            "a copy of the folder alone lacks it; name the folder in which the study was made, or "
            "copy what `lethe keep` writes of it."
        )
    return path


def _settings(record: dict[str, Any], results: Path) -> dict[str, str]:
    spec_of = partial(read_spec, results)
    settings = {}
    for run in map(run_of, record["runs"]):
        found = record.get("end_tasks", {})
        end_tasks = [node for checkpoint in run.checkpoints for node in found.get(checkpoint, ())]
        digest = chain_settings(run, end_tasks, spec_of)
        if digest is not None:
            settings[chain_words(run)] = digest
    return settings
