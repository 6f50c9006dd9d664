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
    errno.EFBIG: "the file would be larger than `ulimit -f` or the file system allows",
    errno.EMFILE: "this process has too many open files (raise `ulimit -n`)",
    errno.ENFILE: "this machine has too many open files",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of the path is a file where a folder is needed",
    errno.EEXIST: "a part of the path is a file where a folder is needed",
    errno.EISDIR: "there is a folder of that name",
    errno.ENAMETOOLONG: "the name is longer than the file system allows",
    errno.ELOOP: "its symbolic links lead in a circle",
    errno.EMLINK: "the file system allows no more entries in this folder",
    errno.EIO: "the disk cannot be read or written there (input/output error); check the disk",
    errno.EREMOTEIO: "the network disk cannot be read or written there; check the disk",
    errno.EUCLEAN: "the file system is damaged; check the disk",
    errno.ENODEV: "the disk is no longer there",
    errno.ENXIO: "the disk is no longer there",
    errno.ENOTCONN: "the network file system is no longer connected",
    errno.ESTALE: "the network file system no longer knows this file (it was replaced or removed)",
    errno.ETIMEDOUT: "the network file system does not answer",
    errno.EHOSTDOWN: "the network file system does not answer",
    errno.EHOSTUNREACH: "the network file system does not answer",
    errno.ENOLCK: "the file system has no locks left",
    errno.EOPNOTSUPP: "the file system does not support this operation",
    errno.EBUSY: "something else is using this file or folder",
    errno.ETXTBSY: "a running program is using this file",
}

AGAIN = "run again (nothing already computed is lost)"

NO_TEMPORARY_FOLDER = "No usable temporary directory"
"""How Python says that no folder for temporary files can be written to, whatever the reason."""

OF_SOCKETS = {
    errno.ENOTCONN,
    errno.ETIMEDOUT,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EOPNOTSUPP,
}
"""Numbers that a network connection answers with too. They mean a disk only if a file is named."""

SAID_IN_TEXT = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.EIO,
)  # fmt: skip
"""Numbers whose words in an error of another kind can mean nothing else."""


@contextmanager
def disk_errors_as_sentences(path: Path, *also: Path) -> Iterator[None]:
    """Turn what a full, closed, broken or read-only disk answers into a UserError naming `path`.

    Errors about files other than `path`, its folders and `also` pass through unchanged: they come
    from the caller's own work.
    """
    try:
        yield
    except Exception as error:
        reason = DISK_ERRORS.get(_error_number(error))
        if reason is None or not _concerns(error, {path, *also, *path.parents}):
            raise
        raise UserError(f"cannot write {path}: {reason}; fix this and {AGAIN}") from error


def disk_reason(error: OSError) -> str:
    """Why a file cannot be read or written, in words: those of this module, else the system's."""
    return DISK_ERRORS.get(error.errno or 0) or error.strerror or str(error)


def disk_sentence(error: BaseException) -> str | None:
    """The sentence for an error that a disk gave, wherever it happened; None for other errors.

    Readers of whole formats (pandas, datasets, safetensors) and the loading of a module open files
    themselves, so what a disk answers them is not caught where it happens.
    """
    if NO_TEMPORARY_FOLDER in str(error):
        return (
            "cannot write temporary files: TMPDIR, /tmp and /var/tmp are full or closed; free "
            f"space, or set TMPDIR to a folder with some, and {AGAIN}"
        )
    number = _error_number(error)
    if number not in DISK_ERRORS:
        return None if error.__cause__ is None else disk_sentence(error.__cause__)
    name = _file_of(error)
    if name is None and number in OF_SOCKETS:
        return None
    what = name or "a file or the standard output"
    return f"cannot read or write {what}: {DISK_ERRORS[number]}; fix this and {AGAIN}"


def _error_number(error: BaseException) -> int:
    """The system's number of an error, 0 if there is none.

    safetensors, tokenizers and torch write from other languages and raise exceptions of their own,
    whose text holds the system's.
    """
    if isinstance(error, OSError) and error.errno:
        return error.errno
    text = str(error)
    if match := re.search(r"\(os error (\d+)\)", text):
        return int(match[1])
    return next((number for number in SAID_IN_TEXT if os.strerror(number) in text), 0)


def _file_of(error: BaseException) -> str | None:
    name = getattr(error, "filename", None)
    # A file that is known only by its descriptor has a number in place of a name.
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else None


def _concerns(error: BaseException, paths: set[Path]) -> bool:
    name = _file_of(error)
    return not name or Path(name) in paths
