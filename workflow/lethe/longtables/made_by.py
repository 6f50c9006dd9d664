"""By which commits and versions a study's checkpoints were trained, from the stages' manifests."""

from collections.abc import Iterable
from pathlib import Path

from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.paths import node_manifest

COMMIT = "commit"


def made_by(nodes: Iterable[str], results: Path) -> dict[str, list[str]]:
    """Every commit, and every version of a package by its name; nothing without stages.

    nodes: checkpoints, of which some may be bases or may have been made elsewhere.
    """
    found: dict[str, dict[str, None]] = {}
    for node in dict.fromkeys(nodes):
        path = node_manifest(results, "stage", node)
        known = read_manifest(path).get("provenance", {}) if path.is_file() else {}
        for name, value in {COMMIT: known.get(COMMIT), **known.get("versions", {})}.items():
            if value:
                found.setdefault(name, {})[str(value)] = None
    return {name: list(values) for name, values in sorted(found.items())}


def joined(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, list[str]]:
    """What made two parts of a study."""
    names = sorted({*one, *other})
    return {name: list(dict.fromkeys([*one.get(name, []), *other.get(name, [])])) for name in names}
