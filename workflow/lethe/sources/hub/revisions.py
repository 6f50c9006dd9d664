"""Revisions that the catalogue leaves open: looked up once, recorded, and then reused."""

import fcntl
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json, write_json
from lethe.artefacts.paths import revisions_file
from lethe.errors import UserError

COMMIT = re.compile("[0-9a-f]{40}")
AGAIN = "copy it back, or remove it to look the revisions up again, which may be later ones."


def recorded_revision(results: Path, repo_type: str, repo: str, look_up: Callable[[], str]) -> str:
    """The commit (40 hex digits) recorded for a repository; if none, it is looked up now."""
    path = revisions_file(results)
    name = f"{repo_type}s/{repo}"
    recorded = _read(path)
    if name in recorded:
        return recorded[name]["revision"]
    path.parent.mkdir(parents=True, exist_ok=True)
    entry = {"revision": look_up(), "looked_up": datetime.now(UTC).isoformat(timespec="seconds")}
    with _alone(path.with_suffix(".lock")):
        recorded = _read(path)
        recorded.setdefault(name, entry)
        write_json(path, recorded)
    return recorded[name]["revision"]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the record's lock; other fetches hold it only for a moment."""
    with open(path, "a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, dict[str, str]]:
    """The record. It is not made again silently: a repository may have moved on since.

    Raises:
        UserError: it is damaged; says what to do.
    """
    if not path.exists():
        return {}
    try:
        recorded = read_json(path)
    except UserError as error:
        raise UserError(f"{error}; {AGAIN}") from None
    if not isinstance(recorded, dict) or not all(map(_is_entry, recorded.values())):
        raise UserError(f"{path}: expected a `revision` (40 hex digits) a repository; {AGAIN}")
    return recorded


def _is_entry(value: Any) -> bool:
    revision = value.get("revision") if isinstance(value, dict) else None
    return isinstance(revision, str) and bool(COMMIT.fullmatch(revision))
