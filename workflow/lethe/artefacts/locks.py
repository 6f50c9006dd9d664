"""Locks that end with their process, for whatever reason that ends.

The kernel sees to that where the file system has `flock`. Where it has none, the lock is a file
that names its owner; it is created exclusively, and taken over once its owner is proved dead.
"""

import errno
import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.artefacts.processes import identity, is_proved_dead
from lethe.errors import UserError

NO_FLOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}
LOOK_SECONDS = 0.5
# So many looks find an owner dead before nobody is expected to take over from it.
LOOKS_IN_VAIN = 10

Release = Callable[[], None]


class Held(UserError):
    """Another process holds a lock."""


@contextmanager
def lock(path: Path | str, wait: bool = True) -> Iterator[bool]:
    """Lock `path` until the context is left or the process ends; yields whether it had to wait.

    Who waits says once for whom, on stderr, and may then find the work done.

    Raises:
        Held: another process holds it, and `wait` is False; or, on a file system without flock,
            nobody can know from here whether that process lives.
        UserError: the disk is full or not writable.
    """
    path = Path(path)
    waited = told = False
    dead, looks = None, 0
    while (release := _take(path)) is None:
        owner, holder = _read(_owner_file(path)), _holder(path)
        if not wait or holder == identity(os.getpid()):  # who waits for itself waits for ever
            raise Held(f"another process ({_named(holder)}) is working on {path.parent}")
        # Whoever takes over from a dead owner at this moment has done so soon.
        lost = owner if owner is not None and not _is_seen(_process(owner)) else None
        looks = looks + 1 if lost is not None and lost == dead else 0
        if looks == LOOKS_IN_VAIN:
            raise Held(
                f"{_named(holder)} is working on {path.parent} and cannot be seen from here, where "
                f"the file system has no flock. If it has ended, delete {_owner_file(path)}"
            )
        # A lock that is held for a moment is not worth a line.
        if waited and not told:
            told = True
            print(
                f"note: waiting for {_named(holder)}, which is working on {path.parent}",
                file=sys.stderr,
                flush=True,
            )
        waited, dead = True, lost
        time.sleep(LOOK_SECONDS)
    try:
        yield waited
    finally:
        release()


def is_held(path: Path | str) -> bool:
    """Whether a process holds a lock. Without flock, a process that cannot be seen counts."""
    path = Path(path)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in NO_FLOCK:
            raise
    finally:
        os.close(descriptor)
    return _owner_file(path).exists() and not is_proved_dead(_holder(path))


def _take(path: Path) -> Release | None:
    """Lock a file; returns what releases it, or None if another process holds it."""
    while True:
        with disk_errors_as_sentences(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last holder may have removed the folder between our open and our lock.
            if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(descriptor)):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, _this_process(), 0)
                return lambda: _release(descriptor)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            if error.errno not in NO_FLOCK:
                raise
            return _take_owner_file(path)
        os.close(descriptor)


def _release(descriptor: int) -> None:
    """Let go of a lock with flock, whose file then names nobody.

    The next holder writes its name after it took the lock. Until then, ours would still stand there
    and we would take ourselves for the one that we wait for.
    """
    try:
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take_owner_file(path: Path) -> Release | None:
    owned = _owner_file(path)
    if not _create(owned):
        holder = _holder(path)
        if not is_proved_dead(holder):
            return None
        # Others may find the same dead owner. Only who creates this file may remove the owner's,
        # and only if it is still that of the dead one.
        takeover = owned.with_suffix(f".takeover-{holder['pid']}-{holder['started']}")
        if not _create(takeover):
            return None
        if _holder(path) == holder:
            owned.unlink()
        takeover.unlink()
        if not _create(owned):
            return None
    return lambda: owned.unlink(missing_ok=True)


def _create(path: Path) -> bool:
    """Create a file that names this process, whole; False if there is one already."""
    host, pid = socket.gethostname(), os.getpid()
    temporary = path.with_name(f"{path.name}.{host}.{pid}.tmp")
    with disk_errors_as_sentences(path, temporary):
        try:
            temporary.write_bytes(_this_process())
            os.link(temporary, path)
        except (FileExistsError, FileNotFoundError):  # the last holder may have removed the folder
            return False
        finally:
            temporary.unlink(missing_ok=True)
    return True


def _owner_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.owner")


def _this_process() -> bytes:
    return json.dumps(identity(os.getpid())).encode() + b"\n"


def _holder(path: Path) -> dict:
    """The process that wrote itself into a lock; empty if none can be read."""
    owner = _read(_owner_file(path))
    return _process(_read(path) if owner is None else owner)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _process(content: bytes | None) -> dict:
    try:
        process = json.loads(content or b"")
    except (ValueError, RecursionError):
        return {}
    named = isinstance(process, dict) and {"pid", "started", "boot", "host"} <= process.keys()
    return process if named else {}


def _named(holder: dict) -> str:
    return f"pid {holder['pid']} on {holder['host']}" if holder else "a process of unknown pid"


def _is_seen(holder: dict) -> bool:
    return holder.get("host") == socket.gethostname() and not is_proved_dead(holder)
