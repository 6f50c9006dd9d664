"""The JSON schema rule of a long table's column, from a Python type and a description."""

from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def rule(kind: Any, description: str, *, empty: bool = False, **bounds: Any) -> dict[str, Any]:
    """The rule of one column.

    Args:
        kind: `str`, `int`, `float`, `bool`, one of these or None, a `Literal` of texts, or
            `dict[str, Any]`, which is written as the text of a JSON object.
        description: one sentence for readers of the schema.
        empty: whether a text may be empty.
        bounds: JSON schema keywords such as `minimum`; without them a whole number is 0 or more.
    """
    schema: dict[str, Any] = {"description": description}
    if get_origin(kind) is Literal:
        return {**schema, "type": "string", "minLength": 1, "enum": list(get_args(kind))}
    if get_origin(kind) is dict:
        return {**schema, "type": "string", "minLength": 1, "contentMediaType": "application/json"}
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    names = [TYPES[python_type] for python_type in kinds]
    schema["type"] = names if len(names) > 1 else names[0]
    if str in kinds and not empty:
        schema["minLength"] = 1
    if int in kinds and not bounds:
        schema["minimum"] = 0
    return {**schema, **bounds}
