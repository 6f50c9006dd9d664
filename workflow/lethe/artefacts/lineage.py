"""Nodes that have a spec in results/specs: find one, and follow it back to where it began."""

import difflib
from pathlib import Path

from lethe.artefacts.files import read_json
from lethe.artefacts.paths import spec_file
from lethe.errors import UserError


def find_node(results: Path, name: str) -> str:
    """The id that equals, begins with or ends with `name`.

    Raises:
        UserError: there is none, with the nearest, or there are several.
    """
    folder = Path(results) / "specs"
    known = sorted(p.stem for p in folder.glob("*.json") if not p.stem.startswith("study-"))
    if name in known:
        return name
    found = [node for node in known if node.startswith(name) or node.endswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
        raise UserError(f"{name!r} fits {len(found)} nodes ({listed}); give more of the id.")
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UserError(f"There is no node {name!r} in {folder}{hint} (`lethe plan --ids` lists them).")


def parent_of(spec: dict) -> str | None:
    """What a node is made from: a stage's parent, a probe's checkpoint, a base's data or fetch."""
    keys = ("parent", "checkpoint", "data", "fetched")
    return next((spec[key] for key in keys if spec.get(key)), None)


def lineage(results: Path, node: str) -> list[tuple[str, dict]]:
    """The node and everything it descends from, oldest first, with specs."""
    found = []
    name: str | None = node
    while name:
        spec = read_json(spec_file(results, name))
        found.append((name, spec))
        name = parent_of(spec)
    return found[::-1]
