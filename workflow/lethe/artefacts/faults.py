"""Named points where a test can make a process die, stop, or run out of memory or disk.

LETHE_FAULT=[VERBS/]POINT:N[:HOW] acts when a process passes that point for the N-th time. If
verbs are named (with commas), it acts in their jobs only. The process dies without any clean-up;
with `stop` it gets SIGSTOP and waits to be killed, with `memory` or `disk` it runs out of that.
Outside tests the variable is never set, and a point costs one look into the environment.
"""

import errno
import os
import signal
import sys
from collections import Counter

VARIABLE = "LETHE_FAULT"
KILLED = 137  # what a shell reports for SIGKILL
POINTS = ("open", "write", "fsync", "rename", "publish", "published")

_passed: Counter[str] = Counter()


def fault_point(name: str) -> None:
    """Die or stop here if LETHE_FAULT says so."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    where, count, *how = wanted.split(":")
    verbs, _, point = where.rpartition("/")
    if verbs and not set(sys.argv[1:2]) & set(verbs.split(",")):
        return
    _passed[name] += 1
    if point == name and _passed[name] == int(count):
        if how == ["stop"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        elif how == ["memory"]:
            raise MemoryError
        elif how == ["disk"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        else:
            os._exit(KILLED)
