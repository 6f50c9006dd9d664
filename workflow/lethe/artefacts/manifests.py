"""Manifests: the file of a folder that is written last, with size and sha256 of all others."""

import os
from pathlib import Path
from typing import Any

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.artefacts.faults import fault_point
from lethe.artefacts.files import file_entry, read_json, sha256_file, sync, write_json
from lethe.errors import UserError


def publish(
    directory: Path | str, manifest_name: str, manifest: dict[str, Any], files: list[str]
) -> dict[str, Any]:
    """Write the manifest of files that are already in `directory`; return it.

    Its key "files" becomes {name: {"size", "sha256"}}. The manifest is written last: until it
    exists, the folder counts as unfinished. Raises UserError for a missing file or a disk that
    is not writable.
    """
    directory = Path(directory)
    entries = {}
    for name in sorted(files):
        path = _inside(directory, name)
        if not path.is_file():
            raise UserError(f"{path}: this file should be published, but it was never written")
        with disk_errors_as_sentences(path):
            sync(path)
            entries[name] = file_entry(path)
    complete = {**manifest, "files": entries}
    fault_point("publish")
    write_json(directory / manifest_name, complete)
    return complete


def verify(
    directory: Path | str, manifest_name: str, only: list[str] | None = None
) -> dict[str, Any]:
    """Read a manifest and check the size and sha256 of its files (or of `only` these).

    Raises UserError naming the first file that is missing, truncated, altered, or not in the
    manifest.
    """
    directory = Path(directory)
    source = directory / manifest_name
    manifest = read_json(source)
    entries = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(entries, dict):
        raise UserError(f'{source}: not a manifest (no "files"); remove it and run again')
    for name in sorted(entries) if only is None else only:
        if name not in entries:
            raise UserError(f"{source}: lists no file {name!r}; it lists: {', '.join(entries)}")
        _verify_file(_inside(directory, name), entries[name], source)
    return manifest


def _verify_file(path: Path, entry: Any, source: Path) -> None:
    if not isinstance(entry, dict) or not {"size", "sha256"} <= set(entry):
        raise UserError(f"{source}: has no size and sha256 for {path.name}; it was altered")
    again = f"delete {source} and run again to rebuild it"
    if not path.is_file():
        raise UserError(
            f"{path}: this file was removed (scores stay valid without it); copy it back from "
            f"where you keep it, or {again}"
        )
    size = path.stat().st_size
    if size != entry["size"]:
        raise UserError(
            f"{path}: expected {entry['size']} bytes, found {size}, so it was truncated or "
            f"altered; copy it back, or {again}"
        )
    if sha256_file(path) != entry["sha256"]:
        raise UserError(
            f"{path}: its sha256 is not the one in {source.name}, so it was altered; "
            f"copy it back, or {again}"
        )


def _inside(directory: Path, name: str) -> Path:
    if not name or os.path.isabs(name) or ".." in Path(name).parts:
        raise UserError(f"{directory}: a manifest may only name files inside it, found {name!r}")
    return directory / name
