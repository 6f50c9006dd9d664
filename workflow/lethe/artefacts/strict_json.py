"""Strict JSON: no NaN, no repeated keys, and one canonical form for digests."""

import hashlib
import json
import math
import re
from typing import Any

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON writes half of a surrogate pair, that is, half a character."""


def loads(text: str) -> Any:
    """Parse; ValueError for NaN, infinity, a number that is too large, or a repeated key.

    Also for values that could not be written again: half a character, or too deep nesting.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_whole_number,
        )
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("a text holds half a character") from None
    return value


def digest(value: Any) -> str:
    """Hex sha256 of the canonical JSON: sorted keys, no spaces, floats in their shortest form.

    Raises TypeError for a key that is not a string (JSON would make 1 and "1" the same), and
    ValueError for NaN or infinity.
    """
    _require_string_keys(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of a JSON object; ValueError for a repeated key, of which Python takes the last.

    An `object_pairs_hook` of `json.loads`.
    """
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {repeated!r} occurs twice")
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


def _require_string_keys(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a digest needs string keys, found {key!r}")
            _require_string_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _require_string_keys(item)
