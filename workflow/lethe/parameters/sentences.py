"""What is said of a name or key that does not fit: what was found, allowed, and is near."""

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from lethe.errors import UserError
from lethe.parameters.entries import Entry


def require(where: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that does not exist, with the nearest one that does."""
    known = sorted(known)
    if name not in known:
        raise UserError(f"{where}: {name!r} is not known{_nearest(name, known)}.")


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}? (known: {', '.join(known)})"
    return f" (known: {', '.join(known) or 'none'})"


def validated(kind: type[Entry], raw: dict[str, Any], what: str):
    """The entry that a mapping read from `what` describes; its first mistake is a UserError."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        raise UserError(_sentence(kind, error.errors()[0], what)) from None


def _sentence(kind: type[Entry], error: dict, what: str) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = _known_keys(kind, error["loc"][:-1])
        return f"{place} in {what}: there is no such key{_nearest(str(error['loc'][-1]), known)}."
    if error["type"] == "missing":
        return f"{place} is missing in {what}."
    found = error["input"]
    message = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if error["type"] == "string_pattern_mismatch":
        message = "a name of letters, digits, '.', '_' and '-'"
        if "orders" in error["loc"]:
            message = "task names joined by '&', each with an optional ':count'"
    return f"{place} in {what}: expected {message}, found {found!r}."


def _known_keys(kind: type[BaseModel], place: tuple) -> list[str]:
    """Keys allowed at a place of a model, following lists and mappings."""
    for part in place:
        fields = kind.model_fields if isinstance(kind, type) else {}
        annotation = fields[part].annotation if part in fields else kind
        nested = _nested_model(annotation)
        if nested is None:
            return []
        kind = nested
    return sorted(field.alias or name for name, field in kind.model_fields.items())


def _nested_model(annotation) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _nested_model(argument)
        if found is not None:
            return found
    return None
