"""What is altered or missing of single nodes of a results folder, or belongs to none."""

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json
from lethe.artefacts.kept import checked
from lethe.artefacts.lineage import inputs_of
from lethe.artefacts.manifests import Altered, inside, kept_copy, read_manifest, verify_file
from lethe.artefacts.nodes import is_spec_of
from lethe.artefacts.paths import MANIFEST, end_task_store, node_manifest, score_store, spec_file
from lethe.artefacts.rules import KINDS
from lethe.errors import UserError

AGAIN = "run the study again, and it is made again"
STORES = (score_store, end_task_store)


@dataclass(frozen=True)
class Finding:
    """What is wrong with one file or folder (a sentence that names it), and how to heal it."""

    what: str
    heal: str

    def __str__(self) -> str:
        return f"{self.what}: {self.heal}."


def spec_of(results: Path, node: str) -> dict[str, Any] | None:
    """The spec of a node; None if it is missing or altered."""
    try:
        spec = read_json(spec_file(results, node))
    except UserError:
        return None
    return spec if is_spec_of(spec, node) else None


def of_node(results: Path, node: str) -> Iterator[Finding]:
    """The findings of one node: its spec, its manifest, and every file that it lists."""
    spec, file = spec_of(results, node), spec_file(results, node)
    if spec is None:
        what = "is missing" if not file.exists() else "is not what its name says, so it was altered"
        yield Finding(f"{file} {what}", "run the study again, or `lethe plan --write`")
    for kind in KINDS if spec is None else [spec["kind"]]:
        path = node_manifest(results, kind, node)
        if path.parent.is_dir():
            yield from of_folder(results, path, spec)
        elif os.path.lexists(path.parent):
            yield Finding(f"{path.parent} is no folder", f"delete it; {AGAIN}")


def of_folder(results: Path, path: Path, spec: dict[str, Any] | None) -> Iterator[Finding]:
    """The findings of a node's folder; `path` is its manifest, `spec` None if it was altered."""
    copy = kept_copy(path.parent, path.name)
    manifest = None
    if path.exists():
        try:
            manifest = read_manifest(path)
        except UserError as error:
            yield Finding(error.reason if isinstance(error, Altered) else str(error), AGAIN)
    elif copy.exists():
        yield Finding(f"{path} is missing", f"{AGAIN} from {copy.name} in seconds")
    else:
        yield Finding(f"{path.parent} is unfinished", "run the study again, and it goes on")
    if manifest is None:
        with suppress(UserError):
            yield from of_files(path, read_manifest(copy))
        return
    if os.path.lexists(copy):
        try:
            read_manifest(copy)
        except UserError as error:
            yield Finding(error.reason if isinstance(error, Altered) else str(error), "delete it")
    if spec is not None and manifest.get("spec") != spec:
        yield Finding(f"{path}: its spec is not the one of {path.parent.name}", AGAIN)
    yield from of_files(path, manifest)
    yield from strays(path, manifest)
    yield from of_inputs(results, path, manifest, inputs_of(manifest.get("spec") or {}))


def strays(path: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    """Files in a node's folder that its manifest does not list; a library might read them."""
    known = {path, kept_copy(path.parent, path.name)}
    known |= {path.parent / name for name in manifest["files"]}
    for file in sorted(path.parent.rglob("*")):
        is_cache = "__pycache__" in file.parts or ".cache" in file.parts
        is_folder = file.is_dir() and not file.is_symlink()
        if file not in known and not is_cache and not is_folder:
            yield Finding(f"{file} is not listed in {path.name}", "delete it, or move it elsewhere")


def of_index(path: Path, nodes: set[str]) -> Iterator[Finding]:
    """The index of nodes, if it is damaged; nothing but people read it."""
    if not os.path.lexists(path):
        return
    whole = False
    if path.is_file():  # reading anything else may wait for ever
        with suppress(UnicodeDecodeError, csv.Error, IndexError, OSError):
            lines = path.read_bytes().decode("utf-8").splitlines()
            rows = list(csv.reader(lines, strict=True))
            whole = all(len(row) == len(rows[0]) and row[0] in nodes for row in rows[1:] or [[]])
    if not whole:
        yield Finding(f"{path} is damaged", "run the study again, and it is written again")


def of_files(path: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    """The findings of the files that a manifest lists."""
    for name, entry in manifest["files"].items():
        try:
            file = inside(path.parent, name)
            if not file.is_file():
                heal = f"copy it back, or delete {path.parent} and run the study again"
                if name.endswith(".safetensors"):
                    heal += " (scores stay valid without weights)"
                yield Finding(f"{file} is missing", heal)
                continue
            verify_file(file, entry, path)
        except Altered as error:
            yield Finding(error.reason, f"copy it back, or delete {path} and run the study again")
        except (UserError, OSError) as error:
            yield Finding(f"{path.parent / name}: {error}", "copy it back")


def of_inputs(
    results: Path, path: Path, manifest: dict[str, Any], inputs: Iterable[tuple[str, str]]
) -> Iterator[Finding]:
    """Nodes (kind, id) that are missing, or of another content than when they were read."""
    for kind, node in inputs:
        source = node_manifest(results, kind, node)
        if not os.path.lexists(source.parent):
            yield Finding(f"{source.parent} is missing, though others were made from it", AGAIN)
            continue
        try:
            content = read_manifest(source)["content"]
        except UserError:
            continue  # found where that node is looked at
        if manifest.get("inputs", {}).get(node) != content:
            yield Finding(f"{path} was made from another content of {node}", AGAIN)


def orphans(results: Path, nodes: set[str]) -> Iterator[Finding]:
    """Folders and kept scores that belong to no spec, and kept scores that were altered."""
    for kind, rule in KINDS.items():
        for folder in sorted((results / rule.folder).glob("*/")):
            if folder.name == "store":
                continue
            if folder.name not in nodes:
                known = (folder / MANIFEST[kind]).is_file()
                heal = "`lethe plan --write` of its study writes its spec" if known else "delete it"
                yield Finding(f"{folder} belongs to no spec in {results / 'specs'}", heal)
    for store in STORES:
        for folder in sorted(store(results, "*").parent.glob("*/")):
            if folder.name not in nodes:
                yield Finding(f"{folder} keeps scores of no known checkpoint", "delete it")
            for file in sorted(folder.glob("*.json")):
                try:
                    checked(file)
                except UserError as error:
                    yield Finding(str(error), "delete it; it is made again when it is needed")
