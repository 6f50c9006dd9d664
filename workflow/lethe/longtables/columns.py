"""What a column of a long table may hold: a JSON schema rule from a Python type and a sentence."""

from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def rule(kind: Any, description: str, *, empty: bool = False, **bounds: Any) -> dict[str, Any]:
    """The rule of one column.

    Args:
        kind: `str`, `int`, `float`, `bool`, one of these or None, a `Literal` of texts, or
            `dict[str, Any]`, which stands in its field as the text of a JSON object.
        description: one sentence for the readers of the schema.
        empty: a text may be the empty one.
        bounds: JSON schema keywords, `minimum` and such; a whole number is 0 or more without them.
    """
    found: dict[str, Any] = {"description": description}
    if get_origin(kind) is Literal:
        return {**found, "type": "string", "minLength": 1, "enum": list(get_args(kind))}
    if get_origin(kind) is dict:
        return {**found, "type": "string", "minLength": 1, "contentMediaType": "application/json"}
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    names = [TYPES[one] for one in kinds]
    found["type"] = names if len(names) > 1 else names[0]
    if str in kinds and not empty:
        found["minLength"] = 1
    if int in kinds and not bounds:
        found["minimum"] = 0
    return {**found, **bounds}
