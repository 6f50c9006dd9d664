"""Whether a folder can be written, found out before anything is computed."""

import os
from pathlib import Path

from lethe.errors import UserError


def require_writable(folder: str | Path) -> None:
    """Refuse an output folder that cannot be made or written.

    Raises:
        UserError: names the part of the path that is in the way.
    """
    path = Path(folder)
    for part in [path, *path.parents]:
        if part.exists():
            break
    if not part.is_dir():
        raise UserError(f"output: {folder} cannot be a folder, because {part} is a file.")
    if not os.access(part, os.W_OK | os.X_OK) or _read_only(part):
        raise UserError(f"output: expected a folder that can be written, but {part} cannot be.")


def _read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
