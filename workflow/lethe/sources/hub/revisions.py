"""Revisions that the catalogue leaves open: looked up once, recorded, and then reused."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lethe.artefacts.files import read_json, write_json
from lethe.artefacts.paths import revisions_file


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
    return read_json(path) if path.exists() else {}
