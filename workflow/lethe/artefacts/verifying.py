"""Everything in a results folder read again, and what is altered, missing or belongs to nothing.

Every byte that a checksum covers is read. Nothing is changed.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json
from lethe.artefacts.lineage import inputs_of
from lethe.artefacts.manifests import Altered, read_manifest
from lethe.artefacts.paths import spec_file, study_directory
from lethe.artefacts.study_files import (
    COLLECTED,
    SUMMARIZED,
    contents,
    no_longer_named,
    read_record,
)
from lethe.artefacts.verifying_nodes import (
    AGAIN,
    Finding,
    of_files,
    of_index,
    of_inputs,
    of_node,
    orphans,
    spec_of,
)
from lethe.errors import UserError, shown

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
        spec = spec_of(results, node)
        if spec is not None:
            waiting += [name for _, name in inputs_of(spec)]
    return sorted(found)


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
        spec = spec_of(results, node)
        if spec is not None:
            yield from of_inputs(results, folder / COLLECTED, long[0], [(spec["kind"], node)])
    now = {name: content for made in long if made for name, content in contents(made).items()}
    for path, manifest in manifests.items():
        for name, content in (manifest.get("inputs") or {}).items():
            if content != now.get(name, content):
                what = f"{path} was made from another {name} than the one there"
                yield Finding(what, f"{AGAIN}, or delete it if the study no longer has it")
