"""What tells one process from all others, so that its death can be proved.

A pid alone does not: it is used again. It imports almost nothing, since every job reads it first.
"""

import os
import socket

ENDED_STATES = ("Z", "X")
BOOT_FILE = "/proc/sys/kernel/random/boot_id"
LARGEST_PID = 2**31 - 1


def identity(pid: int) -> dict:
    """What distinguishes this process from any other, earlier or later, here or elsewhere."""
    return {
        "pid": pid,
        "started": start_time(pid),
        "boot": boot(),
        "host": socket.gethostname(),
    }


def is_proved_dead(record: dict) -> bool:
    """Whether the process of a record has certainly ended; False if this cannot be known.

    Without a start time or a boot, a process of the same pid counts as the recorded one.
    """
    if not isinstance(record, dict):
        return False
    pid, host, started = record.get("pid"), record.get("host"), record.get("started")
    if host != socket.gethostname() or type(pid) is not int or pid < 1:
        return False
    boot_then, boot_now = record.get("boot"), boot()
    if boot_then and boot_now and boot_then != boot_now:
        return True
    if not process_is_alive(pid):
        return True
    fields = _stat_fields(pid)
    # A zombie has ended; its parent has only not read its exit status yet.
    if fields and fields[0] in ENDED_STATES:
        return True
    return bool(started and fields) and fields[19] != str(started)


def process_is_alive(pid: int) -> bool:
    """Whether a process with this pid runs on this machine, for any user."""
    if pid > LARGEST_PID:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of a process; None if it has ended or is unknown."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields and fields[0] not in ENDED_STATES else None


def boot() -> str | None:
    """Identity of the machine's current boot; None if the system does not provide it."""
    return _read(BOOT_FILE).strip() or None


def _stat_fields(pid: int) -> list[str]:
    # The name, field 2, may hold spaces and brackets; after its closing one fields are regular.
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
