"""Files of the packages that the data is made from, wherever in a package they lie."""

from pathlib import Path

from lethe.errors import UserError


def files_named(folder: Path, pattern: str, of: str) -> list[Path]:
    """Files under a package's folder whose path ends with a pattern, in order.

    Args:
        pattern: as of `Path.rglob`.
        of: the part that is made from it, for messages.

    Raises:
        UserError: there is none.
    """
    found = sorted(path for path in folder.rglob(pattern) if path.is_file())
    if not found:
        raise UserError(
            f"made_from.{of}: expected files {pattern} in its package, found none under {folder}; "
            "name another package, or keep more of its members."
        )
    return found
