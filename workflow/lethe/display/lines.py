"""A run in plain lines: one when a job ends. For pipes, log files and clusters."""

import time
from typing import TextIO

from lethe.display.durations import duration_words
from lethe.display.failures import Failure
from lethe.display.tally import Running, Tally


class Lines:
    """Writes a line for every job that has ended, with the time of day."""

    def __init__(self, stream: TextIO, tally: Tally):
        self.stream, self.tally = stream, tally

    def say(self, text: str, level: int = 0) -> None:
        """Write text as it is."""
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def begin(self, text: str) -> None:
        """Say what the run will do."""
        counts = ", ".join(f"{rule} {count}" for rule, count in self.tally.planned.items())
        self.say(f"{text}: {counts}")

    def finished(self, job: Running, seconds: float) -> None:
        """A job has ended well."""
        left = self.tally.seconds_left()
        time_left = "" if left is None else f"; about {duration_words(left)} left"
        self._ended(f"{job.words}, {duration_words(seconds)}{time_left}")

    def failed(self, failure: Failure) -> None:
        """A job has failed."""
        self._ended(f"failed: {failure.words}: {failure.error}")

    def changed(self) -> None:
        """Something else has changed; nothing is written."""

    def close(self) -> None:
        """Nothing more will come."""

    def _ended(self, text: str) -> None:
        count, total = self.tally.done.total(), self.tally.total
        self.say(f"{time.strftime('%H:%M:%S')}  {count:>{len(str(total))}} of {total}  {text}")
