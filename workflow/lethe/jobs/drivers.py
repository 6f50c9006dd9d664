"""Drivers of the workflow: each run records its process, so that its death can be proved.

Snakemake's own locks name no process. A process is identified by its pid, its start time, the
machine's boot and the machine's name, because pids are reused.
"""

import atexit
import os
import socket
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

from lethe.artefacts.files import process_is_alive, read_json, write_json

RECORDS = Path(".snakemake") / "lethe-drivers"
VARIABLE = "LETHE_DRIVER"
ENDED_STATES = ("Z", "X")
BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")


def record_driver(folder: Path | str = ".") -> Path:
    """Record this process as a driver in a workflow's folder; removed when it exits normally."""
    this = identity(os.getpid())
    path = Path(folder).absolute() / RECORDS / f"{this['host']}-{this['pid']}.json"
    write_json(path, this)
    atexit.register(_forget, path, os.getpid())
    return path


@cache
def marker() -> Path:
    """A file of this driver that is removed when it exits; see `planning.standing`."""
    path = RECORDS.parent / "lethe-again" / f"{socket.gethostname()}-{os.getpid()}"
    atexit.register(_forget, path.absolute(), os.getpid())
    return path


def recorded_drivers(folder: Path | str = ".") -> dict[Path, dict]:
    """Records in a workflow's folder, by file; UserError for one that cannot be read."""
    records = {}
    for path in sorted((Path(folder) / RECORDS).glob("*.json")):
        with suppress(FileNotFoundError):
            records[path] = read_json(path)
    return records


def identity(pid: int) -> dict:
    """What distinguishes this process from any other, earlier or later, here or elsewhere."""
    return {
        "pid": pid,
        "started": start_time(pid),
        "boot": boot(),
        "host": socket.gethostname(),
    }


def is_proved_dead(record: dict) -> bool:
    """Whether the process of a record has certainly ended; False if this cannot be known."""
    try:
        pid, started, boot_then, host = (record[k] for k in ("pid", "started", "boot", "host"))
    except (KeyError, TypeError):
        return False
    if host != socket.gethostname():
        return False
    if boot_then and boot() and boot_then != boot():
        return True
    if not process_is_alive(pid):
        return True
    fields = _stat_fields(pid)
    if not (started and fields):
        return False
    # A zombie has ended; its parent has only not read its exit status yet.
    return fields[0] in ENDED_STATES or fields[19] != str(started)


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of a process; None if it has ended or is unknown."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields and fields[0] not in ENDED_STATES else None


def _stat_fields(pid: int) -> list[str]:
    try:
        # The name, field 2, may hold spaces and brackets; after its closing one fields are regular.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def boot() -> str | None:
    """Identity of the machine's current boot; None if the system does not provide it."""
    try:
        return BOOT_FILE.read_text().strip()
    except OSError:
        return None


def announce_driver() -> None:
    """Tell local jobs of this process which driver they must end with."""
    this = identity(os.getpid())
    os.environ[VARIABLE] = f"{this['pid']} {this['started']} {this['boot']}"


def end_with_driver() -> None:
    """End this process at once when its announced driver ends, even if that was killed.

    A job that outlived its driver would still hold the lock on its work when the run is restarted.
    Does nothing if no driver of this machine was announced.
    """
    pid, started, boot_then = (os.environ.get(VARIABLE, "").split() + ["", "", ""])[:3]
    if not pid.isdigit() or boot_then != boot() or not hasattr(os, "pidfd_open"):
        return
    try:
        descriptor = os.pidfd_open(int(pid))
    except OSError:
        return
    if str(start_time(int(pid))) != started:
        os.close(descriptor)
        return
    threading.Thread(target=_end_after, args=(descriptor,), daemon=True).start()


def _end_after(descriptor: int) -> None:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll()
    os._exit(143)


def _forget(path: Path, pid: int) -> None:
    if os.getpid() == pid:  # a forked child that ends must not remove it
        with suppress(OSError):
            path.unlink()
