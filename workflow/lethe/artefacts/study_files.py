"""Files of a study: published with what they were made from, and checked when they are read."""

import re
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json, sha256_file
from lethe.artefacts.manifests import publish, read_manifest, verify_file
from lethe.artefacts.strict_json import digest
from lethe.errors import UserError

DIGEST = re.compile(r"-[0-9a-f]{12}$")
COLLECTED, SUMMARIZED = "collect.json", "summarize.json"
"""Manifests beside the long tables and beside the metrics."""
ITEMS, QUESTIONS = "items", "questions"
"""Folders of the tables of items and of their texts, beside the other long tables."""
REPORT = "report"
"""The study's page, .html, and its manifest, .json, in its folder."""


def publish_study_files(
    rule: str,
    name: str,
    files: list[Path],
    inputs: dict[str, Any],
    code: str | None,
    folder: Path | None = None,
) -> None:
    """Write `name`.json beside files of one folder: their sha256, and what they were made from.

    files: others than the first may be in a folder below it. folder: theirs, if there may be none.
    rule: that made them. inputs: digest of the content by id of a node, or sha256 by name of a
        file; other values that they depend on by their names.

    Raises:
        UserError: the files are not in one folder.
    """
    folder = folder or files[0].parent
    for path in files:
        if not path.is_relative_to(folder):
            raise UserError(f"expected files of one folder, found {folder} and {path.parent}.")
    manifest = {"id": name, "rule": rule, "inputs": inputs, "code": code}
    publish(folder, f"{name}.json", manifest, [str(path.relative_to(folder)) for path in files])


def contents(manifest: dict[str, Any]) -> dict[str, str]:
    """sha256 by name of what a manifest of a study lists; the tables of items count as one."""
    found = {name: entry["sha256"] for name, entry in manifest["files"].items()}
    items = {name: found.pop(name) for name in list(found) if name.startswith(f"{ITEMS}/")}
    return found | {ITEMS: digest(items)} if manifest.get("rule") == "collect" else found


def checked_files(paths: list[Path]) -> dict[str, str]:
    """`contents` of long tables, each as the manifest beside it says, if there is one.

    Raises:
        UserError: a table was altered or cut since it was made.
    """
    return {path.name: _checked(path) for path in paths}


def check_long_tables(folder: Path, items: bool = True) -> None:
    """Compare the long tables of a run with the manifests beside them, which list them all.

    items: whether those of items are too, which may be large.

    Raises:
        UserError: one was altered, cut or removed since it was made.
    """
    for name in (COLLECTED, SUMMARIZED):
        if (folder / name).is_file():
            made = {file.partition("/")[0] for file in read_manifest(folder / name)["files"]}
            checked_files([folder / part for part in sorted(made) if items or part != ITEMS])


def _checked(path: Path) -> str:
    for name in (COLLECTED, SUMMARIZED):
        if not (path.parent / name).is_file():
            continue
        manifest = read_manifest(path.parent / name)
        if path.name in (made := contents(manifest)):
            for file, entry in manifest["files"].items():
                if file.partition("/")[0] == path.name:
                    verify_file(path.parent / file, entry, path.parent / name)
            return made[path.name]
    if path.name == ITEMS and path.is_dir():
        return digest(
            {f"{ITEMS}/{file.name}": sha256_file(file) for file in path.glob("*.parquet")}
        )
    if not path.is_file():
        raise UserError(f"expected a table at {path}, found none there.")
    return sha256_file(path)


def read_record(path: Path) -> dict[str, Any]:
    """A study's record or its claims; a digest in the file's name must be that of the content.

    Raises:
        UserError: missing, unreadable or altered.
    """
    record = read_json(path)
    if DIGEST.search(path.stem) and not path.stem.endswith(f"-{digest(record)[:12]}"):
        raise UserError(
            f"{path}: its digest is not the one in its name, so it was altered; run the study "
            "again to write it again."
        )
    return record


def no_longer_named(folder: Path, named: dict[str, list[str]]) -> list[Path]:
    """Manifests of tables and figures that a study's folder still holds but that it does not name.

    They show scores of an earlier run. They are never deleted: a user may keep them on purpose.

    Args:
        named: names of what the study has now, by folder.
    """
    return [
        path
        for kind, names in named.items()
        for path in sorted((folder / kind).glob("*.json"))
        if path.stem not in names
    ]
