"""Nodes that have a spec in results/specs: find one, and trace what it was made from."""

import difflib
from pathlib import Path

from lethe.artefacts.files import read_json
from lethe.artefacts.paths import spec_file
from lethe.errors import UserError


def find_node(results: Path, name: str) -> str:
    """The id that equals, begins with or ends with `name`.

    Raises:
        UserError: no node matches (the message names the nearest), or several do.
    """
    folder = Path(results) / "specs"
    nodes = sorted(p.stem for p in folder.glob("*.json") if not p.stem.startswith("study-"))
    if name in nodes:
        return name
    matches = [node for node in nodes if node.startswith(name) or node.endswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = ", ".join(matches[:5]) + (", ..." if len(matches) > 5 else "")
        raise UserError(f"{name!r} matches {len(matches)} nodes ({listed}); give more of the id.")
    close = difflib.get_close_matches(name, nodes, n=1, cutoff=0.3)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise UserError(f"There is no node {name!r} in {folder}{hint} (`lethe plan --ids` lists them).")


def parent_of(spec: dict) -> str | None:
    """What a node is made from: a stage's parent, a probe's checkpoint, a base's data or fetch."""
    keys = ("parent", "checkpoint", "data", "fetched")
    return next((spec[key] for key in keys if spec.get(key)), None)


def lineage(results: Path, node: str) -> list[tuple[str, dict]]:
    """The node and everything it descends from, oldest first, with specs."""
    newest_first = []
    name: str | None = node
    while name:
        spec = read_json(spec_file(results, name))
        newest_first.append((name, spec))
        name = parent_of(spec)
    return newest_first[::-1]
