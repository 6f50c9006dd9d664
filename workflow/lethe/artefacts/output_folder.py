"""The folder of all artefacts: what a study may name as its `output`."""

import os
from pathlib import Path

from lethe.artefacts.disk_errors import disk_reason
from lethe.artefacts.paths import PROJECT
from lethe.errors import UserError

OF_PROJECT = (
    *("Snakefile", "workflow", "config", "profiles", "envs", "tests", "benchmarks", "docs"),
    *(".git", ".snakemake", ".venv", ".ci"),
)
"""Parts of the project that hold no results."""


def require_output(folder: str) -> None:
    """Refuse an output folder that is the project's own or one above it, or is not writable.

    Raises:
        UserError: says what is wrong with the path.
    """
    if folder != folder.strip() or folder.startswith("~") or "://" in folder or {*folder} & {*"{}"}:
        raise UserError(
            f"output: expected the path of a folder, without blanks at its ends, without '~', "
            f"braces and a protocol, found {folder!r}."
        )
    path = Path(os.path.realpath(folder))  # unlike Path's, it takes links in a circle
    for place in (PROJECT, Path.cwd().resolve()):
        if path == place or path in place.parents:
            raise UserError(
                f"output: expected a folder for results alone, as 'results', found {folder!r}, "
                "which holds the project itself."
            )
        if path.is_relative_to(place) and path.relative_to(place).parts[0] in OF_PROJECT:
            raise UserError(
                f"output: expected a folder for results alone, as 'results', found {folder!r}, "
                "which is a part of the project."
            )
    require_writable(folder)


def require_writable(folder: str | Path) -> None:
    """Refuse an output folder that cannot be created or written to.

    Raises:
        UserError: names the part of the path that blocks it.
    """
    path = Path(folder)
    for part in [path, *path.parents]:
        try:
            if part.exists() or part.is_symlink():
                break
        except OSError as error:
            raise UserError(
                f"output: {folder} cannot be a folder ({disk_reason(error)})."
            ) from None
    if not part.is_dir():
        found = "a file" if part.exists() else "a link that leads nowhere"
        raise UserError(f"output: {folder} cannot be a folder, because {part} is {found}.")
    if not os.access(part, os.W_OK | os.X_OK) or _read_only(part):
        raise UserError(f"output: expected a writable folder, but {part} is not writable.")


def _read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
