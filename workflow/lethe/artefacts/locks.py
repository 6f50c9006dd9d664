"""Locks that the kernel releases when their process ends, for whatever reason."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.errors import UserError


@contextmanager
def lock(path: Path | str) -> Iterator[None]:
    """Lock `path` for this process; the kernel releases it when the process ends for any reason.

    Raises UserError at once, naming the holder, when another process holds it.
    """
    path = Path(path)
    with disk_errors_as_sentences(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked_descriptor(path)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _locked_descriptor(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last holder may have removed the folder between our open and our lock.
            if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(descriptor)):
                return descriptor
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").split()
            os.close(descriptor)
            who = f"pid {holder[0]} on {holder[1]}" if len(holder) == 2 else "pid unknown"
            raise UserError(
                f"another process ({who}) is working on {path.parent}; wait for it or stop it"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        path.parent.mkdir(parents=True, exist_ok=True)
