"""Named points at which a test can make the process die as if it had been killed.

LETHE_FAULT=<point>:<n> ends the process, without any clean-up, when it passes that point for the
n-th time. Unset, as always outside tests, a point costs one look into the environment.
"""

import os
from collections import Counter

VARIABLE = "LETHE_FAULT"
KILLED = 137  # what a shell reports for SIGKILL
POINTS = ("open", "write", "fsync", "rename", "publish")

_passed: Counter[str] = Counter()


def fault_point(name: str) -> None:
    """Die here if LETHE_FAULT says so."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    point, _, count = wanted.partition(":")
    _passed[name] += 1
    if point == name and _passed[name] == int(count or 1):
        os._exit(KILLED)
