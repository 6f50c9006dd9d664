"""Disk errors as one sentence, and checks that find them before anything is computed."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lethe.errors import UserError

DISK_ERRORS = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of the path is a file where a folder is needed",
    errno.EEXIST: "a part of the path is a file where a folder is needed",
    errno.EISDIR: "there is already a folder of that name",
}


@contextmanager
def disk_errors_as_sentences(path: Path, *also: Path) -> Iterator[None]:
    """Turn a full, closed or read-only disk into a UserError that names `path`.

    Errors about files other than `path`, its folders and `also` pass through unchanged: they come
    from the caller's own work.
    """
    try:
        yield
    except Exception as error:
        reason = DISK_ERRORS.get(_error_number(error))
        if reason is None or not _concerns(error, {path, *also, *path.parents}):
            raise
        raise UserError(
            f"cannot write {path}: {reason}; fix this and run again "
            "(nothing already computed is lost)"
        ) from error


def _error_number(error: Exception) -> int:
    if isinstance(error, OSError):
        return error.errno or 0
    # safetensors and tokenizers write from Rust and raise their own exceptions.
    match = re.search(r"\(os error (\d+)\)", str(error))
    return int(match[1]) if match else 0


def _concerns(error: Exception, paths: set[Path]) -> bool:
    name = getattr(error, "filename", None)
    return not name or Path(name) in paths


def require_writable(folder: str | Path) -> None:
    """Refuse an output folder that cannot be created or written to.

    Raises:
        UserError: names the part of the path that blocks it.
    """
    path = Path(folder)
    for part in [path, *path.parents]:
        try:
            if part.exists():
                break
        except OSError as error:
            raise UserError(f"output: {folder} cannot be a folder ({error.strerror}).") from None
    if not part.is_dir():
        raise UserError(f"output: {folder} cannot be a folder, because {part} is a file.")
    if not os.access(part, os.W_OK | os.X_OK) or _read_only(part):
        raise UserError(f"output: expected a writable folder, but {part} is not writable.")


def _read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
