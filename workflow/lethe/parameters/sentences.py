"""Messages about a wrong name or value: what was expected, what was found, what may be meant."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lethe.errors import UserError, shown
from lethe.parameters.entries import FORMS, Entry

LONGEST_LIST = 120
"""Characters of the known names that a message lists."""

MAPPING = "keys with values"
EXPECTED = {
    "assertion_error": "a value that fits",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": MAPPING,
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of at most 18 digits",
    "int_type": "a whole number",
    "invalid_key": "a key that is text",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "mapping_type": MAPPING,
    "model_attributes_type": MAPPING,
    "model_type": MAPPING,
    "multiple_of": "a multiple of {multiple_of}",
    "none_required": "null",
    "recursion_loop": "a value that does not hold itself",
    "string_too_long": "text of at most {max_length} characters",
    "string_too_short": "text of at least {min_length} characters",
    "string_type": "text",
    "string_unicode": "text",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} entries",
    "tuple_type": "a list",
    "union_tag_invalid": "{expected_tags}",
    "union_tag_not_found": MAPPING,
}
"""What was expected, by pydantic's type of error, with the bounds of its context.

These have sentences of their own: `extra_forbidden`, `missing`, `string_pattern_mismatch` and
`value_error`.
"""


BOUNDS = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


def require(where: str, name: str, known: Collection[str]) -> None:
    """Refuse a name that does not exist, and suggest the nearest one that does."""
    if name not in known:
        raise UserError(f"{where}: {shown(name)} is not known{_nearest(name, sorted(known))}.")


def _nearest(name: str, known: list[str]) -> str:
    """A suggestion if a known name is similar, and the known names; if many, the most similar."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {_listed(name, known) or 'none'})"


def _listed(name: str, known: list[str]) -> str:
    if len(text := ", ".join(known)) <= LONGEST_LIST:
        return text
    matcher = difflib.SequenceMatcher(b=name)

    def similarity(other: str) -> float:
        matcher.set_seq1(other)
        return matcher.ratio()

    nearest = sorted(known, key=similarity, reverse=True)
    text = ""
    while nearest and len(text) + len(nearest[0]) < LONGEST_LIST:
        text += f"{nearest.pop(0)}, "
    return f"{text}and {len(nearest)} more"


def validated(kind: type[Entry], raw: dict[str, Any], what: str):
    """The entry that a mapping read from `what` describes; its first mistake is a UserError."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    # A misspelled key is two errors: an unknown key and a missing one. The first says more.
    order = {"extra_forbidden": 0, "missing": 2}
    errors.sort(key=lambda error: order.get(error["type"], 1))
    raise UserError(_sentence(kind, raw, _same_union(raw, errors), what))


def _sentence(kind: type[Entry], raw: Any, errors: list[ErrorDetails], what: str) -> str:
    """The message about one mistake, or about a value that fits none of several types."""
    error = errors[0]
    keys = list(_keys(raw, error))
    place = _readable(keys)
    where = f"{place} in {what}" if place else what
    if error["type"] == "extra_forbidden":
        known = _known_keys(kind, error["loc"][:-1])
        return f"{where}: there is no such key{_nearest(str(error['loc'][-1]), known)}."
    if error["type"] == "missing":
        return f"{where}: this {'entry' if isinstance(keys[-1], int) else 'key'} is missing."
    expected = " or ".join(dict.fromkeys(_expected(error) for error in errors))
    sentence = f"{where}: expected {expected}{_found(errors)}"
    return sentence if sentence.endswith("?") else f"{sentence}."


def _expected(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    if error["type"] == "string_pattern_mismatch":
        return FORMS.get(context["pattern"], f"text of the form {context['pattern']}")
    if error["type"] == "literal_error" and len(context["expected"]) > LONGEST_LIST:
        return f"one of {_listed(str(error['input']), _choices(error))}"
    if context.get("min_length") == 1:
        return "at least one entry" if error["type"] == "too_short" else "text that is not empty"
    words = {name: _as_written(bound) for name, bound in context.items()}
    return EXPECTED.get(error["type"], "another value").format(**words)


def _as_written(bound: Any) -> Any:
    """A bound that was written as 1 but is stored as 1.0 is shown as 1."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _choices(error: ErrorDetails) -> list[str]:
    """The texts that a field may hold; pydantic lists them as "'a', 'b' or 'c'"."""
    literal = error["type"] == "literal_error"
    return re.findall(r"'([^']*)'", error["ctx"]["expected"]) if literal else []


def _found(errors: list[ErrorDetails]) -> str:
    """The value and a possible fix; nothing if the expectation already shows what was found."""
    value, types = errors[0]["input"], {error["type"] for error in errors}
    if types == {"value_error"} and isinstance(value, BaseModel | dict | list):
        return ""
    if types <= {"too_short", "too_long"}:
        return f", found {len(value) or 'none'}"
    if isinstance(value, str) and types <= BOUNDS:
        # YAML reads 1e-4 as text, but the user wrote a number.
        number = shown(value).strip("'")
        return f", found {number}"
    return f", found {shown(value)}{_fix(value, types, errors)}"


def _fix(value: Any, types: set[str], errors: list[ErrorDetails]) -> str:
    """What the user may have meant."""
    if "string_type" in types and isinstance(value, bool | int | float):
        return "; put it in quotes if it is meant as text"
    if types == {"list_type"} and isinstance(value, str | int | float):
        return f"; for a list of one entry, write {shown([value])}"
    if not isinstance(value, str):
        return ""
    if types & {"int_type", "float_type"} and re.fullmatch(r"[-+]?[0-9]+", value):
        return "; write it without quotes"
    choices = [choice for error in errors for choice in _choices(error)]
    close = difflib.get_close_matches(value, choices, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _same_union(raw: Any, errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """The first mistake, with all its alternatives if the value may be of several types.

    Pydantic then reports one error per type. If a value fits one type except for something inside
    it, that inner mistake is the one to report.
    """
    first = errors[0]
    fixed = _before_union(raw, first)
    if fixed is None:
        return [first]
    siblings = [error for error in errors if error["loc"][: len(fixed)] == fixed]
    depth = {id(error): len(list(_keys(raw, error))) for error in siblings}
    deepest = max(siblings, key=lambda error: depth[id(error)])
    if depth[id(deepest)] > len(fixed):
        return [deepest]
    return siblings


def _before_union(raw: Any, error: ErrorDetails) -> tuple | None:
    """Place of the first value that may be of several types; None if no value may.

    After such a value pydantic's places name the type that was tried, which is not a key.
    """
    value = raw
    for number, part in enumerate(error["loc"]):
        if not _holds(value, part):
            named = error["type"] in ("missing", "extra_forbidden") and error["loc"][-1] == part
            return None if named or part == "[key]" else error["loc"][:number]
        value = value[part]
    return None


def _keys(raw: Any, error: ErrorDetails) -> Iterator[str | int]:
    """The keys and indexes that lead to a mistake, without the types that pydantic tried."""
    value = raw
    for number, part in enumerate(error["loc"], start=1):
        if _holds(value, part):
            value = value[part]
            yield part
        elif number == len(error["loc"]) and error["type"] == "missing":
            yield part


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)


def _readable(keys: Iterable[str | int]) -> str:
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f", entry {key + 1}"
        else:
            # After an index a dot would read as part of the number.
            separator = ", " if re.search(r"entry \d+$", text) else "."
            text += f"{separator if text else ''}{key}"
    return text


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
        nested = _nested_model(argument)
        if nested is not None:
            return nested
    return None
