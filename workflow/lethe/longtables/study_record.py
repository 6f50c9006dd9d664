"""study.json: what the long tables of a study do not say, but its tables, figures and claims need.

It lies beside long tables that were kept, drawn again or assembled. Imports nothing heavy.
"""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_origin

from lethe.artefacts.files import read_json, write_json
from lethe.errors import UserError, shown

FILE = "study.json"
VERSION = 1


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """What a study shows, and what must be the same in all of its parts.

    Attributes:
        study: its name.
        bootstrap_seed: of the intervals in its metrics.
        tables, figures: names, in the order of the study.
        widths: of figures for which the study gives one, by name.
        claims: as in a claims record, with all their parts.
        settings: a digest by chain of all that shapes a checkpoint but seeds; see
            `longtables/settings.py`. Empty if unknown.
        item_sets: the evaluation sets that had tables of items.
        made_by: commits, and versions of packages by their names, as `made_by` has them. Empty if
            no stage was trained, or the study was kept before this was.
        sha256: of each long table as CSV, by name; empty where they are CSV.
    """

    study: str
    bootstrap_seed: int
    tables: list[str]
    figures: list[str]
    widths: dict[str, str] = field(default_factory=dict)
    claims: list[dict[str, Any]]
    settings: dict[str, str] = field(default_factory=dict)
    item_sets: list[str] = field(default_factory=list)
    made_by: dict[str, list[str]] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)


def write_study_record(folder: Path, record: StudyRecord) -> Path:
    """Write study.json in a folder; returns its path."""
    path = folder / FILE
    write_json(path, {"version": VERSION, **asdict(record)})
    return path


def read_study_record(folder: Path) -> StudyRecord:
    """The record in a folder.

    Raises:
        UserError: it is missing, of another version, or lacks a key.
    """
    path = folder / FILE
    content = read_json(path)
    if not isinstance(content, dict) or "version" not in content:
        raise UserError(f"{path}: expected a record that `lethe keep` wrote, with a `version`.")
    version = content.pop("version")
    if version != VERSION:
        raise UserError(
            f"{path}: expected version {VERSION} of this file, found {shown(version)}; keep the "
            "study again with this version of Lethe."
        )
    content.setdefault("made_by", {})
    for column in fields(StudyRecord):
        kind = get_origin(column.type) or column.type
        if not isinstance(content.get(column.name), kind):
            raise UserError(
                f"{path}: expected the key {column.name!r} with a {kind.__name__}, found "
                f"{shown(content.get(column.name))}."
            )
    unknown = content.keys() - {column.name for column in fields(StudyRecord)}
    if unknown:
        raise UserError(f"{path}: unknown key {min(unknown)!r}.")
    return StudyRecord(**content)
