"""Manifests: the file of a folder that is written last, with size and sha256 of all others.

A manifest also holds a digest of itself (`check`), the name of its folder (`id`), a digest of what
other nodes read in the folder (`content`), and the time at which the status of a file last changed
before all were read (`changed`, ns, by the clock of the file system).
"""

import os
from pathlib import Path
from typing import Any

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.artefacts.faults import fault_point
from lethe.artefacts.files import digest, file_entry, read_json, sha256_file, sync, write_json
from lethe.errors import UserError, shown

LOGS = ("training.csv",)
"""Files of a folder that no other node reads."""


class Altered(UserError):
    """A manifest, or a file that it lists, is not as it was written; made again, it is right."""

    def __init__(self, reason: str, manifest: Path):
        super().__init__(f"{reason}; delete {manifest} and run again to make it again")
        self.reason, self.manifest = reason, manifest


def publish(
    directory: Path | str,
    manifest_name: str,
    manifest: dict[str, Any],
    files: list[str],
    with_copy: bool = False,
) -> dict[str, Any]:
    """Write the manifest of files that are already in `directory`; return it.

    Its key "files" becomes {name: {"size", "sha256"}}. The manifest is written last, after its
    copy: until it exists, the folder counts as unfinished. Raises UserError for a missing file or a
    disk that is not writable.
    """
    directory = Path(directory)
    entries, changed = {}, 0
    for name in sorted(files):
        path = inside(directory, name)
        if not path.is_file():
            raise UserError(f"{path}: this file should be published, but it was never written")
        with disk_errors_as_sentences(path):
            sync(path)
            changed = max(changed, path.stat().st_ctime_ns)
            entries[name] = file_entry(path)
    hashes = {name: entry["sha256"] for name, entry in entries.items() if name not in LOGS}
    complete = {"id": directory.resolve().name, **manifest, "files": entries, "changed": changed}
    complete["content"] = digest(hashes)
    complete["check"] = check_of(complete)
    fault_point("publish")
    if with_copy:
        write_json(kept_copy(directory, manifest_name), complete)
    write_json(directory / manifest_name, complete)
    fault_point("published")
    return complete


def check_of(value: dict[str, Any]) -> str:
    """The digest of all other entries, which the entry `check` holds."""
    return digest({key: entry for key, entry in value.items() if key != "check"})


def kept_copy(directory: Path, manifest_name: str) -> Path:
    """A second copy of a manifest.

    Snakemake removes a manifest before its job starts and when its job fails; by the copy the job
    knows that its work is done.
    """
    return directory / f".{manifest_name}"


def read_manifest(path: Path | str, any_folder: bool = False) -> dict[str, Any]:
    """A manifest that is as it was written, and lies in the folder that it was written for.

    any_folder: the folder may have another name, as a copy outside of the results has.

    Raises:
        UserError: it is missing.
        Altered: it is truncated, altered, or of another folder.
    """
    path = Path(path)
    try:
        manifest = read_json(path)
    except UserError as error:
        if not path.exists():
            raise
        raise Altered(str(error), path) from None
    if not _is_manifest(manifest):
        raise Altered(f'{path}: not a manifest (no "files" with size and sha256)', path)
    if manifest.get("check") != check_of(manifest):
        raise Altered(
            f"{path}: its content does not match its own checksum, so it was altered", path
        )
    # A kept copy has a dot before its name; files of a study lie in folders that are named by kind.
    of_study = "rule" in manifest
    place = path.stem.removeprefix(".") if of_study else path.parent.resolve().name
    if manifest.get("id") != place and not any_folder:
        raise Altered(f"{path}: is the manifest of {manifest.get('id')}, not of {place}", path)
    return manifest


def _is_manifest(value: Any) -> bool:
    """Whether a value has the parts that others read in a manifest."""
    if not isinstance(value, dict) or "files" not in value:
        return False
    parts = [value[name] or {} for name in ("files", "inputs", "spec") if name in value]
    entries = value["files"].values() if isinstance(value["files"], dict) else [None]
    return all(isinstance(part, dict) for part in parts) and all(
        isinstance(entry, dict) and {"size", "sha256"} <= set(entry) for entry in entries
    )


def verify(
    directory: Path | str,
    manifest_name: str,
    only: list[str] | None = None,
    any_folder: bool = False,
) -> dict[str, Any]:
    """Read a manifest and check the size and sha256 of its files (or of `only` these).

    Raises UserError naming the first file that is missing, truncated, altered, or not in the
    manifest; `Altered` if making it again helps.
    """
    directory = Path(directory)
    source = directory / manifest_name
    manifest = read_manifest(source, any_folder)
    entries = manifest["files"]
    for name in sorted(entries) if only is None else only:
        if name not in entries:
            raise UserError(f"{source}: lists no file {name!r}; it lists: {', '.join(entries)}")
        verify_file(inside(directory, name), entries[name], source)
    return manifest


def verify_file(path: Path, entry: dict[str, Any], source: Path) -> None:
    """Check one file against its entry in the manifest `source`; UserError as in `verify`."""
    if not path.is_file():
        raise UserError(
            f"{path}: this file was removed (scores stay valid without it); copy it back from "
            f"where you keep it, or delete {source} and run again to make it again"
        )
    size = path.stat().st_size
    if size != entry["size"]:
        raise Altered(
            f"{path}: expected {entry['size']} bytes, found {size}, so it was truncated or altered",
            source,
        )
    if sha256_file(path) != entry["sha256"]:
        raise Altered(
            f"{path}: its sha256 is not the one in {source.name}, so it was altered", source
        )


def inside(directory: Path, name: str) -> Path:
    """The path of a file in a folder; UserError for a name that leads out of it."""
    if not is_inside(name):
        raise UserError(f"{directory}: expected the name of a file inside it, found {shown(name)}")
    return directory / name


def is_inside(name: str) -> bool:
    """Whether a name, put behind that of a folder, names something inside the folder."""
    parts = Path(name).parts
    return bool(parts) and not os.path.isabs(name) and ".." not in parts
