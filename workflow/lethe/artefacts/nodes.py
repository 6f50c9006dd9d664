"""Nodes: read strictly, and made once, under a lock, from what they are made from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lethe.artefacts.faults import fault_point
from lethe.artefacts.files import digest, read_json, write_json
from lethe.artefacts.lineage import inputs_of
from lethe.artefacts.locks import lock
from lethe.artefacts.manifests import Altered, kept_copy, publish, read_manifest, verify
from lethe.artefacts.paths import (
    MANIFEST,
    node_directory,
    node_manifest,
    spec_file,
    work_directory,
)
from lethe.errors import UserError

RESULTS = "results.json"

NO_CODE = ""
"""Fingerprint where a change of the code makes nothing again."""
ANY_CODE = "kept"
"""Fingerprint of a study that keeps what other code made."""

Make = Callable[[Path], tuple[dict[str, Any], list[str]]]
"""From a node's folder to the facts of its manifest, and the names of the files written there."""


def read_spec(results: Path, node: str) -> dict[str, Any]:
    """The spec of a node, if it is the one whose digest the node's id holds.

    Raises:
        UserError: it is missing, unreadable or altered.
    """
    path = spec_file(results, node)
    if not path.exists():
        raise UserError(
            f"{path} does not exist; `lethe plan --write` writes the specs of a study's nodes."
        )
    spec = read_json(path)
    if not is_spec_of(spec, node):
        raise UserError(
            f"{path}: its digest is not the one in its name, so it was altered; run the study "
            "again, or `lethe plan --write`, to write it again."
        )
    return spec


def is_spec_of(spec: Any, node: str) -> bool:
    """Whether a spec has the digest that a node's id ends with."""
    return isinstance(spec, dict) and node.endswith(f"-{digest(spec)[:12]}")


def lineage(results: Path, node: str) -> list[tuple[str, dict]]:
    """The node and everything it descends from, oldest first, with specs."""
    newest_first = []
    name: str | None = node
    while name:
        spec = read_spec(results, name)
        newest_first.append((name, spec))
        name = next((node for _, node in inputs_of(spec)), None)
    return newest_first[::-1]


def input_contents(results: Path, spec: dict[str, Any]) -> dict[str, str]:
    """By id, the digest of the content of every node that a spec is made from.

    Raises:
        UserError: one is missing or altered.
    """
    return {
        node: read_manifest(node_manifest(results, kind, node))["content"]
        for kind, node in inputs_of(spec)
    }


def make_node(results: Path, node: str, spec: dict[str, Any], code: str, make: Make) -> dict:
    """Make a node's files and publish them, unless this was done before; return its manifest.

    It was done before if the node was published from the same spec and code, its inputs have the
    same content, and its files are whole. An altered input is set aside, so that the next run makes
    it again.

    Args:
        code: fingerprint of the code; `ANY_CODE` accepts what other code made.
        make: called with the lock of the node held.

    Raises:
        UserError: an input is missing or altered, or what `make` raises.
    """
    kind = spec["kind"]
    directory = node_directory(results, kind, node)
    with lock(work_directory(results, node) / "lock"), altered_inputs_set_aside():
        wanted = {"spec": spec, "code": code, "inputs": input_contents(results, spec)}
        if (manifest := _published(directory, MANIFEST[kind], wanted)) is not None:
            print(f"{directory} was made before, from the same spec, code and inputs", flush=True)
            return manifest
        facts, files = make(directory)
        return publish(directory, MANIFEST[kind], {**facts, **wanted}, files, with_copy=True)


def write_results(directory: Path, results: list[dict]) -> list[str]:
    """Write the scores of a node into its folder; the names of the files written."""
    write_json(directory / RESULTS, results, None)
    return [RESULTS]


def read_results(results: Path, kind: str, node: str) -> dict[str, Any]:
    """The manifest of a node that holds scores, and under `results` its scores.

    Raises:
        UserError: they are missing or altered.
    """
    directory = node_directory(results, kind, node)
    manifest = verify(directory, MANIFEST[kind])
    return {**manifest, "results": read_json(directory / RESULTS)}


def _published(directory: Path, name: str, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """The manifest of a folder that holds what is wanted, whole; written again if it is missing."""
    for path in (directory / name, kept_copy(directory, name)):
        try:
            manifest = verify(directory, path.name)
        except UserError:
            continue
        if is_made_from(manifest, wanted):
            if path.name != name:
                write_json(directory / name, manifest)
                fault_point("published")
            return manifest
    return None


def is_made_from(manifest: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a manifest records the spec, code and inputs that are wanted."""
    compared = [key for key in wanted if not (key == "code" and wanted[key] == ANY_CODE)]
    return all(manifest.get(key) == wanted[key] for key in compared)


@contextmanager
def altered_inputs_set_aside() -> Iterator[None]:
    """Remove the manifest of an altered input, so that the next run makes it again."""
    try:
        yield
    except Altered as error:
        error.manifest.unlink(missing_ok=True)
        kept_copy(error.manifest.parent, error.manifest.name).unlink(missing_ok=True)
        raise UserError(f"{error.reason}; run again to make it again") from None
