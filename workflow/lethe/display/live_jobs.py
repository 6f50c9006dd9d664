"""What running jobs say of themselves, beside their locks."""

import time
from pathlib import Path

from lethe.artefacts.files import read_json
from lethe.artefacts.paths import work_directory
from lethe.errors import UserError
from lethe.jobs.live import NAME, read_live


def said(results: Path, node: str, since: float) -> tuple[str, float | None]:
    """How far the job of a node is, in words, and the seconds that it has left, if it knows them.

    Args:
        since: seconds since the job began; what a killed job has left there is older.
    """
    folder = work_directory(results, node)
    try:
        if time.time() - (folder / NAME).stat().st_mtime > since:
            return "", None
        left = read_json(folder / NAME).get("seconds_left")
    except (OSError, UserError, AttributeError):
        return "", None
    return read_live(folder), float(left) if isinstance(left, int | float) else None
