"""A run on a terminal: bars by rule, and what each running job is at."""

import logging
import textwrap
from pathlib import Path
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lethe.display.failures import Failure
from lethe.display.live_jobs import said
from lethe.display.tally import Running, Tally
from lethe.terminal import duration_words

PER_SECOND = 2
MOST_RUNNING = 12
MARGIN = 4
HANGING = 12
"""Where the sentences about a failed job begin."""


class Terminal:
    """Keeps a block of bars at the foot of a terminal; what is said scrolls by above it.

    results: the folder of all artefacts, in which running jobs say how far they are.
    """

    def __init__(self, stream: TextIO, tally: Tally, results: Path):
        self.tally, self.results = tally, results
        self.console = Console(file=stream, highlight=False)
        self.live = Live(
            console=self.console,
            get_renderable=self.view,
            refresh_per_second=PER_SECOND,
            transient=True,
        )

    def say(self, text: str, level: int = 0) -> None:
        """Write text above the bars."""
        style = "red" if level >= logging.ERROR else "yellow" if level >= logging.WARNING else ""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def conclude(self, lines: list[str]) -> None:
        """Say what is left to say; long sentences go on below themselves, at their indentation."""
        for line in lines:
            if line.startswith("  ") and not line.startswith(" " * 4):
                self.say(line)  # a command to copy: a break would cut it in two
                continue
            indent = " " * (HANGING if line.startswith(" " * 4) else 0)
            wrapped = textwrap.wrap(
                line,
                self.console.width,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
            self.say("\n".join(wrapped))

    def begin(self, text: str) -> None:
        """Say what the run will do."""
        self.console.print(Text(text, style="bold"))

    def finished(self, job: Running, seconds: float) -> None:
        """A job has ended well: only the bars say so."""

    def failed(self, failure: Failure) -> None:
        """A job has failed."""
        is_asked = failure.is_interrupted
        line = Text("" if is_asked else "failed ", style="bold red")
        self.console.print(line + Text(f"{failure.words}: {failure.error}"), soft_wrap=True)

    def changed(self) -> None:
        """Show the bars as soon as there are jobs."""
        if not self.live.is_started and self.tally.running:
            self.live.start(refresh=True)

    def close(self) -> None:
        """Take the bars away."""
        self.live.stop()

    def view(self) -> Group:
        """The block as it is now."""
        return Group(self._bars(), self._whole(), *self._running())

    def _bars(self) -> Table:
        tally, grid = self.tally, Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style="dim", min_width=9)
        grid.add_column(width=30)
        grid.add_column(justify="right")
        grid.add_column(style="dim")
        for rule, count in tally.planned.items():
            done = tally.done[rule]
            mean = duration_words(tally.seconds[rule] / done) if done else ""
            mean += " each" if done > 1 else ""
            bar = ProgressBar(count, done, width=30, complete_style="green")
            grid.add_row(rule, bar, f"{done} of {count}", mean)
        return grid

    def _whole(self) -> Text:
        tally = self.tally
        left = tally.seconds_left()
        parts = [
            f"{tally.done.total()} of {tally.total} jobs",
            duration_words(tally.elapsed),
            "time left not known yet" if left is None else f"about {duration_words(left)} left",
        ]
        parts += [f"{len(tally.failures)} failed"] if tally.failures else []
        return Text(" · ".join(parts), style="bold")

    def _running(self) -> list[Table]:
        jobs = [*self.tally.running.values()]
        # Not the whole width: the terminal's echo of Ctrl-C would begin a line that nobody counts.
        grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
        grid.width = self.console.width - MARGIN
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        grid.add_column(no_wrap=True, overflow="ellipsis", style="dim", justify="right")
        for job in jobs[:MOST_RUNNING]:
            spent = self.tally.clock() - job.began
            grid.add_row(
                f"  {job.words}", said(self.results, job.name, spent)[0] or duration_words(spent)
            )
        if len(jobs) > MOST_RUNNING:
            grid.add_row(f"  and {len(jobs) - MOST_RUNNING} more", "")
        return [grid]
