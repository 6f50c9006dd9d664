"""Recipes that take their values from another one: `from`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lethe.artefacts.strict_yaml import read_yaml
from lethe.errors import UserError, shown
from lethe.parameters.sentences import require

FROM = "from"
LENGTHS = ("epochs", "steps")
"""Keys of a recipe that exclude each other."""


def with_parents(own: Any, file: Path, where: str) -> Any:
    """Recipes with the values of those that they are `from`, as they would be written in full.

    A key that a recipe gives replaces its parent's as a whole, a mapping too.

    Args:
        own: recipes by name as they were read, not validated. What is no mapping stays as it is.
        file: further recipes that these may be from; it is read only if one is needed.

    Raises:
        UserError: a parent does not exist, or recipes are from each other in a circle.
    """
    if not isinstance(own, dict) or not any(_has_parent(values) for values in own.values()):
        return own
    known = {**read_yaml(file), **own} if file.exists() else own
    return {name: _whole(name, known, where, ()) for name in own}


def _has_parent(values: Any) -> bool:
    return isinstance(values, dict) and values.get(FROM) is not None


def _whole(name: str, known: Mapping[str, Any], where: str, below: tuple[str, ...]) -> Any:
    values = known[name]
    if not isinstance(values, dict) or FROM not in values:
        return values
    own = {key: value for key, value in values.items() if key != FROM}
    if (parent := values[FROM]) is None:
        return own
    key = f"{where}.{name}.{FROM}"
    if not isinstance(parent, str):
        raise UserError(f"{key}: expected the name of a recipe, found {shown(parent)}.")
    require(key, parent, known)
    if parent in (name, *below):
        circle = " from ".join([*below, name, parent])
        raise UserError(f"{key}: expected a recipe that is not from this one, found {circle}.")
    whole = _whole(parent, known, where, (*below, name))
    if not isinstance(whole, dict):
        return own
    _refuse_hidden(f"{where}.{name}", own, parent, whole)
    if set(LENGTHS) & own.keys():
        whole = {key: value for key, value in whole.items() if key not in LENGTHS}
    return {**whole, **own}


def _refuse_hidden(where: str, own: dict, parent: str, whole: dict) -> None:
    """Refuse a value that what is taken over would replace for some models or methods."""
    given = own.keys() | (set(LENGTHS) if set(LENGTHS) & own.keys() else set())
    for kind in ("overrides", "parametrised", "tuned"):
        entries = whole.get(kind)
        if kind in own or not isinstance(entries, dict):
            continue
        for name, values in entries.items():
            if kind == "tuned" and isinstance(values, dict):
                values = values.get("recipe")
            hidden = sorted(given & values.keys()) if isinstance(values, dict) else []
            if hidden:
                raise UserError(
                    f"{where}: it gives `{hidden[0]}`, and with `from: {parent}` it takes over "
                    f"{kind}.{name}, which gives that too and would win; give `{kind}` here, or "
                    f"`{kind}: {{}}` for none."
                )
