"""Strict JSON: no NaN, no repeated keys, and one canonical form for digests."""

import hashlib
import json
import math
import re
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON writes half of a surrogate pair, that is, half a character."""


class RepeatedKey(ValueError):
    """An object of JSON has a key twice, of which Python would take the last."""


class WrittenNumber(float):
    """A number whose text is what the file says: `2.50` and `3e4`, not `2.5` and `30000.0`."""

    text: str

    def __new__(cls, text: str) -> "WrittenNumber":
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __repr__(self) -> str:
        return self.text

    def __getnewargs__(self) -> tuple[str]:
        return (self.text,)


def loads(text: str, as_written: bool = False) -> Any:
    """Parse; ValueError for NaN, infinity, a number that is too large, or a repeated key.

    Also for values that could not be written again: half a character, or too deep nesting.

    Args:
        as_written: whether decimal numbers keep how they are written, as `WrittenNumber`.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_written_float if as_written else _finite_float,
            parse_int=_written_whole if as_written else _whole_number,
        )
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("a text holds half a character") from None
    return value


def with_whole_characters(value: Any, text: str) -> Any:
    """What was parsed from a text of others, with `?` for half a character, which no file holds."""
    if not _HALF.search(text):
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def digest(value: Any) -> str:
    """Hex sha256 of the canonical JSON: sorted keys, no spaces, floats in their shortest form.

    Raises TypeError for a key that is not a string (JSON would make 1 and "1" the same), and
    ValueError for NaN or infinity.
    """
    _require_string_keys(value)
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def canonical(value: Any) -> str:
    """The one way to write a value of JSON: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of a JSON object; `RepeatedKey` for a key that occurs twice.

    An `object_pairs_hook` of `json.loads`.
    """
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise RepeatedKey(f"the key {repeated!r} occurs twice")
    return result


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no value of JSON")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large for a number")
    return value


def _whole_number(text: str) -> int:
    if len(text) > 300:
        raise ValueError(f"a number of {len(text)} digits is too large")
    return int(text)


def _written_float(text: str) -> float:
    _finite_float(text)
    return WrittenNumber(text)


def _written_whole(text: str) -> float:
    return WrittenNumber(text) if text == "-0" else _whole_number(text)


def _require_string_keys(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a digest needs string keys, found {key!r}")
            _require_string_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _require_string_keys(item)
