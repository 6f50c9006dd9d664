"""Values that are kept to save work: each file holds a checksum over its name and its value.

Nothing is lost with them, so one that is altered is not an error: it is made again.
"""

import sys
from pathlib import Path
from typing import Any

from lethe.artefacts.files import digest, read_json, write_json
from lethe.errors import UserError


def keep(path: Path, value: Any) -> None:
    """Write a JSON value, complete or not at all."""
    write_json(path, {"check": _check(path, value), "value": value}, None)


def read_kept(path: Path) -> Any:
    """The value as it was kept; None if it is missing, and with a notice if it was altered."""
    if not path.exists():
        return None
    try:
        return checked(path)
    except UserError as error:
        print(f"lethe: {error}; it is made again", file=sys.stderr, flush=True)
        return None


def checked(path: Path) -> Any:
    """The value as it was kept; UserError if it was cut, altered, or kept under another name."""
    content = read_json(path)
    if not isinstance(content, dict) or content.keys() != {"check", "value"}:
        raise UserError(f"{path}: is no kept value")
    if content["check"] != _check(path, content["value"]):
        raise UserError(f"{path}: its content does not match its checksum, so it was altered")
    return content["value"]


def _check(path: Path, value: Any) -> str:
    return digest({"name": path.name, "value": value})
