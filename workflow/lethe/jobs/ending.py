"""Whether a job has to end soon, because a signal or its time limit says so."""

import math
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

from lethe.errors import Stopped, UserError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
VARIABLE = "LETHE_END"
"""The end of the job's time, in Unix seconds; set by whoever knows it."""
SHORTEST = 30.0
"""Seconds to leave at least; a cluster's clock and its file system are not exact."""


class Ending:
    """Notes signals that ask this process to end, within a `with` block.

    Until `hold` is called there is nothing to save, and a signal ends the job at once. From then on
    it is only noted: training saves its state between two steps and stops; a checkpoint that is
    being written is finished. A second Ctrl-C does not wait for either.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._end = _announced_end()
        self._held = self._interrupted = False
        self._old_handlers: dict[int, Any] = {}

    def __enter__(self) -> "Ending":
        if threading.current_thread() is threading.main_thread():  # no other may handle signals
            for number in SIGNALS:
                # nohup, and shells for what they start in the background, ignore some.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._old_handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """From now on there is something to save."""
        self._held = True

    def is_near(self, seconds: float) -> bool:
        """Whether to stop now, if doing so later takes `seconds`. `reason` then says why."""
        if not self.reason and self._end - time.time() < max(SHORTEST, seconds):
            self.reason = "its time is nearly over"
        return bool(self.reason)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.reason = self.reason or signal.Signals(number).name
        if not self._held:
            raise Stopped(f"stopped before the first step ({self.reason}); run again to start.")
        if number == signal.SIGINT:
            if self._interrupted:
                raise KeyboardInterrupt
            self._interrupted = True


def _announced_end() -> float:
    text = os.environ.get(VARIABLE, "")
    try:
        end = float(text or "inf")
    except ValueError:
        end = math.nan
    if math.isnan(end):
        raise UserError(f"{VARIABLE}: expected a time in Unix seconds, found {text!r}.")
    return end
