"""Named points where a test can make a process die as if killed, or stop so that it can be killed.

LETHE_FAULT=[VERB/]POINT:N[:stop] acts when a process passes that point for the N-th time. If a
verb is named, it acts in the jobs of that verb only. The process dies without any clean-up; with
`stop` it gets SIGSTOP and waits to be killed. Outside tests the variable is never set, and a point
costs one look into the environment.
"""

import os
import signal
import sys
from collections import Counter

VARIABLE = "LETHE_FAULT"
KILLED = 137  # what a shell reports for SIGKILL
POINTS = ("open", "write", "fsync", "rename", "publish")

_passed: Counter[str] = Counter()


def fault_point(name: str) -> None:
    """Die or stop here if LETHE_FAULT says so."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    where, count, *how = wanted.split(":")
    verb, _, point = where.rpartition("/")
    if verb and sys.argv[1:2] != [verb]:
        return
    _passed[name] += 1
    if point == name and _passed[name] == int(count):
        if how == ["stop"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            os._exit(KILLED)
