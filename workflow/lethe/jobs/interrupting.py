"""SIGTERM ends a run that `lethe run` has started as Ctrl-C does: jobs save, and Snakemake waits.

Snakemake by itself takes SIGTERM for a wish to finish the jobs that run. `timeout` and others send
it to these jobs too, so that they were called failed.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from subprocess import Popen
from types import FrameType
from typing import Any

from lethe.artefacts.processes import below

STARTED_BY = "LETHE_RUN"
"""The pid of the `lethe run` that has started Snakemake."""
AT_ONCE = 1.0
"""Seconds within which signals are one: what went to a whole group is passed on besides."""
ENDED = 128 + signal.SIGTERM


def finished(start: Callable[[], Popen]) -> int:
    """The exit status of a process that is given the time to end: 143 if SIGTERM has ended it.

    Ctrl-C reaches it too; SIGTERM is passed on, and to the processes below it as SIGINT.
    """
    asked: list[int] = []
    process: Popen | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if process is not None:
            _interrupt(process.pid)

    usual = signal.signal(signal.SIGTERM, pass_on)
    try:
        process = start()
        if asked:
            _interrupt(process.pid)
        while True:
            with suppress(KeyboardInterrupt):
                status = process.wait()
                return ENDED if asked and status else status
    finally:
        signal.signal(signal.SIGTERM, usual)


def _interrupt(run: int) -> None:
    """What Ctrl-C does: it reaches a run and all of its processes in this terminal's group."""
    group = os.getpgrp()
    jobs = [pid for pid, of in below(run).items() if of == group]
    for pid, number in [(run, signal.SIGTERM), *((job, signal.SIGINT) for job in jobs)]:
        with suppress(OSError):  # it has ended
            os.kill(pid, number)


def is_started_by_lethe() -> bool:
    """Whether this process is the Snakemake of a `lethe run` that still goes on."""
    return os.environ.get(STARTED_BY) == str(os.getppid())


def as_interrupt(note: Callable[[], None]) -> Callable[..., None]:
    """A handler of signals that does what Ctrl-C does, once for all that come at one time.

    note: called before, so that jobs that end by the same signal are not called failed.
    """
    last = -AT_ONCE

    def interrupt(*signal_and_frame: Any) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before >= AT_ONCE:
            note()
            raise KeyboardInterrupt

    return interrupt
