"""Everything in a results folder read again, and what is altered, missing or belongs to nothing.

Every byte that a checksum covers is read. Nothing is changed.
"""

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
from lethe.artefacts.paths import (
    MANIFEST,
    end_task_store,
    node_manifest,
    score_store,
    spec_file,
    study_directory,
)
from lethe.artefacts.rules import KINDS
from lethe.artefacts.study_files import (
    COLLECTED,
    SUMMARIZED,
    contents,
    no_longer_named,
    read_record,
)
from lethe.errors import UserError, shown

AGAIN = "run the study again, and it is made again"
STORES = (score_store, end_task_store)
STUDY_FILES = (
    "*.csv",
    "*.csv.gz",
    "*.parquet",
    "*.html",
    "*.jsonl",
    "*.md",
    "*.tex",
    "*.pdf",
    "*.svg",
    "*.png",
    "*.txt",
)


@dataclass(frozen=True)
class Finding:
    """What is wrong with one file or folder (a sentence that names it), and how to heal it."""

    what: str
    heal: str

    def __str__(self) -> str:
        return f"{self.what}: {self.heal}."


def find_all(results: Path) -> Iterator[Finding]:
    """Every finding of a results folder."""
    specs = sorted((results / "specs").glob("*.json"))
    nodes = {path.stem for path in specs if not path.stem.startswith("study-")}
    yield from records(path for path in specs if path.stem.startswith("study-"))
    for node in sorted(nodes):
        yield from of_node(results, node)
    yield from of_index(results / "index.csv", nodes)
    yield from orphans(results, nodes)
    for folder in sorted(results.glob("studies/*/")):
        yield from of_study(results, folder)


def find_of_study(results: Path, study: str) -> Iterator[Finding]:
    """Every finding of one study: its newest record, the nodes that it needs, and its files.

    Raises:
        UserError: there is no such study.
    """
    specs = (results / "specs").glob("study-*.json")
    names = sorted(path for path in specs if path.stem.rpartition("-")[0] == f"study-{study}")
    known = sorted(path.name for path in results.glob("studies/*/"))
    if not names and study not in known:
        raise UserError(
            f"There is no study {shown(study)} in {results}; it holds: "
            f"{', '.join(known) or 'none'}."
        )
    yield from records(names)
    if names:
        newest = max(names, key=lambda path: path.stat().st_mtime)
        for node in _nodes_of(results, newest):
            yield from of_node(results, node)
    folder = study_directory(results, study)
    if not folder.is_dir():
        yield Finding(f"{folder} is missing", AGAIN)
    yield from of_study(results, folder)


def records(paths: Iterable[Path]) -> Iterator[Finding]:
    """Records of studies and of claims whose name is not the digest of what they hold."""
    for path in paths:
        try:
            read_record(path)
        except UserError:
            what = f"{path} is not what its name says, so it was altered"
            yield Finding(what, "run the study again, and it is written again")


def _nodes_of(results: Path, record: Path) -> list[str]:
    """Every node that a study's scores come from, and what these are made from."""
    try:
        content = read_json(record)
        runs = [node for run in content["runs"] for node in run["checkpoints"]]
    except (UserError, KeyError, TypeError):
        return []
    scored = [content.get(key, {}) for key in ("probes", "end_tasks")]
    waiting = [*runs, *(node for by in scored for nodes in by.values() for node in nodes)]
    found: dict[str, None] = {}
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        found[node] = None
        spec = _spec_of(results, node)
        if spec is not None:
            waiting += [name for _, name in inputs_of(spec)]
    return sorted(found)


def _spec_of(results: Path, node: str) -> dict[str, Any] | None:
    """The spec of a node; None if it is missing or altered."""
    try:
        spec = read_json(spec_file(results, node))
    except UserError:
        return None
    return spec if is_spec_of(spec, node) else None


def of_node(results: Path, node: str) -> Iterator[Finding]:
    """The findings of one node: its spec, its manifest, and every file that it lists."""
    spec, file = _spec_of(results, node), spec_file(results, node)
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


def of_study(results: Path, folder: Path) -> Iterator[Finding]:
    """The findings of a study's tables and figures, and files that no manifest lists."""
    manifests, unreadable = {}, set()
    for path in sorted(folder.rglob("*.json")):
        try:
            manifests[path] = read_manifest(path)
        except UserError as error:
            yield Finding(error.reason if isinstance(error, Altered) else str(error), AGAIN)
            unreadable.add(path.parent)
    for path, manifest in manifests.items():
        yield from of_files(path, manifest)
    yield from of_long_tables(results, folder, manifests)
    yield from unnamed(results, folder, manifests.get(folder / COLLECTED, {}))
    listed = {path.parent / name for path, made in manifests.items() for name in made["files"]}
    for pattern in STUDY_FILES:
        for path in sorted(folder.rglob(pattern)):
            # An altered manifest may have listed the other files of its folder.
            if path not in listed and path.parent not in unreadable:
                yield Finding(f"{path} is listed by no manifest", f"delete it; {AGAIN} if wanted")


def unnamed(results: Path, folder: Path, collected: dict[str, Any]) -> Iterator[Finding]:
    """Tables and figures that the study named once, and named no longer in its last run."""
    record = (collected.get("inputs") or {}).get("record", "")
    path = spec_file(results, record)
    if not record or not path.is_file():
        return
    with suppress(UserError):  # a damaged record is a finding of its own
        now = read_record(path)
        for page in no_longer_named(folder, {kind: now[kind] for kind in ("tables", "figures")}):
            what = f"{page} is of an earlier run; the study no longer names {page.stem!r}"
            yield Finding(what, f"delete it and what it lists, or name it again and {AGAIN}")


def of_long_tables(
    results: Path, folder: Path, manifests: dict[Path, dict[str, Any]]
) -> Iterator[Finding]:
    """What was made from other scores or other tables than those that are there now."""
    long = [manifests.get(folder / name, {}) for name in (COLLECTED, SUMMARIZED)]
    for node in long[0].get("inputs") or {}:
        spec = _spec_of(results, node)
        if spec is not None:
            yield from of_inputs(results, folder / COLLECTED, long[0], [(spec["kind"], node)])
    now = {name: content for made in long if made for name, content in contents(made).items()}
    for path, manifest in manifests.items():
        for name, content in (manifest.get("inputs") or {}).items():
            if content != now.get(name, content):
                what = f"{path} was made from another {name} than the one there"
                yield Finding(what, f"{AGAIN}, or delete it if the study no longer has it")
