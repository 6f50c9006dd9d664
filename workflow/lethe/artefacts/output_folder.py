"""The folder of all artefacts: what a study may name as its `output`."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from lethe.artefacts.disk_errors import disk_reason
from lethe.artefacts.paths import PROJECT
from lethe.artefacts.rules import KINDS
from lethe.errors import UserError

OF_PROJECT = (
    *("Snakefile", "workflow", "config", "profiles", "envs", "tests", "benchmarks", "docs"),
    *(".git", ".snakemake", ".venv", ".ci"),
)
"""Parts of the project that hold no results."""
OF_RESULTS = ("specs", "studies", "work", "logs", ".runs")
"""Folders of the results, besides those of the kinds of nodes."""


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


def require_places(results: Path, manifests: Iterable[Path], study: Path) -> None:
    """Refuse results in which something else is where a folder or a file is to be written.

    Snakemake takes a link that leads nowhere for a file, and a file for a folder.

    Args:
        manifests: of the nodes that are to be made, each in a folder of its own.
        study: folder of the long tables, tables and figures; files have a dot in their names.

    Raises:
        UserError: names the place and what is there.
    """
    manifests = list(manifests)
    folders = [results / name for name in (*OF_RESULTS, *(rule.folder for rule in KINDS.values()))]
    for folder in [*folders, *(path.parent for path in manifests), study]:
        _require_kind(folder, "folder", os.path.isdir)
    below = sorted(study.rglob("*"))
    for path in [*manifests, *(path for path in below if "." in path.name)]:
        _require_kind(path, "file", os.path.isfile)
    for path in (path for path in below if "." not in path.name):
        _require_kind(path, "folder", os.path.isdir)


def _require_kind(path: Path, kind: str, is_kind: Callable[[Path], bool]) -> None:
    if not os.path.lexists(path) or is_kind(path):
        return
    found = "a symbolic link that leads to none" if path.is_symlink() else "something else"
    remedy = "restore what it leads to or remove it" if path.is_symlink() else "remove it"
    raise UserError(f"{path}: expected a {kind}, found {found}; {remedy}, and run again.")


def _read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
