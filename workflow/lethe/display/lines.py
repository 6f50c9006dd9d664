"""A run in plain lines: one when a job ends. For pipes, log files and clusters."""

import threading
import time
from pathlib import Path
from typing import TextIO

from lethe.display.failures import Failure
from lethe.display.live_jobs import said
from lethe.display.tally import Running, Tally
from lethe.terminal import duration_words

QUIET_SECONDS = 60.0
MOST_RUNNING = 5


class Lines:
    """Writes a line for every job that has ended, with the time of day.

    results: the folder of all artefacts, in which running jobs say how far they are.
    """

    def __init__(self, stream: TextIO, tally: Tally, results: Path):
        self.stream, self.tally, self.results = stream, tally, results
        self.spoken, self.closed = time.monotonic(), threading.Event()

    def say(self, text: str, level: int = 0) -> None:
        """Write text as it is."""
        self.stream.write(f"{text}\n")
        self.stream.flush()
        self.spoken = time.monotonic()

    def conclude(self, lines: list[str]) -> None:
        """Say what is left to say."""
        self.say("\n".join(lines))

    def begin(self, text: str) -> None:
        """Say what the run will do."""
        counts = ", ".join(f"{rule} {count}" for rule, count in self.tally.planned.items())
        self.say(f"{text}: {counts}")
        threading.Thread(target=self._break_silences, daemon=True).start()

    def finished(self, job: Running, seconds: float) -> None:
        """A job has ended well."""
        left = self.tally.seconds_left()
        time_left = "" if left is None or left < 1 else f"; about {duration_words(left)} left"
        self._ended(f"{job.words}, {duration_words(seconds)}{time_left}")

    def failed(self, failure: Failure) -> None:
        """A job has failed."""
        how = "" if failure.is_interrupted else "failed: "
        self._ended(f"{how}{failure.words}: {failure.error}")

    def changed(self) -> None:
        """Something else has changed; nothing is written."""

    def close(self) -> None:
        """Nothing more will come."""
        self.closed.set()

    def _break_silences(self) -> None:
        """While jobs run that take long, say every minute how far they are."""
        while not self.closed.wait(QUIET_SECONDS / 10):
            if time.monotonic() - self.spoken > QUIET_SECONDS:
                self.tell_running()

    def tell_running(self) -> None:
        """Say how far the running jobs are."""
        jobs = list(self.tally.running.values())
        for job in jobs[:MOST_RUNNING]:
            spent = self.tally.clock() - job.began
            words = said(self.results, job.name, spent)[0] or f"for {duration_words(spent)}"
            self.say(f"{time.strftime('%H:%M:%S')}  running: {job.words}, {words}")
        if (more := len(jobs) - MOST_RUNNING) > 0:
            self.say(f"{time.strftime('%H:%M:%S')}  running: and {more} more")

    def _ended(self, text: str) -> None:
        count, total = self.tally.done.total(), self.tally.total
        self.say(f"{time.strftime('%H:%M:%S')}  {count:>{len(str(total))}} of {total}  {text}")
