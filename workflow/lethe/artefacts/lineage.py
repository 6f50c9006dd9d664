"""Nodes that have a spec in results/specs: find one, and name what it is made from."""

import difflib
from pathlib import Path
from typing import Any

from lethe.errors import UserError

NAMING = ("parent", "checkpoint", "data", "fetched", "tokens", "tokenizer", "base")
PARTS = ("mixture", "earlier", "general", "tasks", "packages")


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


def inputs_of(spec: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, id) of every node that a node is made from: first the one that it continues or reads.

    Specs name them by the keys of NAMING, and the data of their parts by the same keys in
    `mixture`, `earlier`, `general`, `tasks` and `packages`. A key that ends in `_kind` gives the
    kind where it is not the key itself.
    """
    named = [(str(spec.get(f"{key}_kind", key)), spec[key]) for key in NAMING if spec.get(key)]
    for key in PARTS:
        named += [entry for part in _parts(spec.get(key) or []) for entry in inputs_of(part)]
    return list(dict.fromkeys(named))


def _parts(value: list[Any]) -> list[dict[str, Any]]:
    """The parts of a mixture, or of a list of mixtures."""
    return [part for item in value for part in (item if isinstance(item, list) else [item])]
