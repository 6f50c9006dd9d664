"""Snakemake's log on the terminal, in the words of a study. Its log files stay as they are."""

import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from lethe.display.failures import failure_lines
from lethe.display.lines import Lines
from lethe.display.live_jobs import said
from lethe.display.tally import Tally
from lethe.display.terminal import Terminal
from lethe.terminal import duration_words

COMMAND = "LETHE_COMMAND"
"""What the user typed, where that was not `snakemake`."""
DEFAULT_HANDLER = "DefaultStreamHandler"
# Of no use to a reader of the terminal, or said in other words at the end.
NOISE = re.compile(
    r"Select jobs to execute|Execute \d+ jobs|Using shell:|Provided cores:|Rules claiming more"
    r"|Conda environments: ignored|Singularity containers: ignored|Group jobs: inactive"
    r"|Building DAG of jobs|Assuming unrestricted shared|Complete log\(s\):|Elapsed time:"
    r"|Reasons:|\(check individual jobs above|This was a dry-run"
    r"|Exiting because a job execution failed|Workflow has started|None$|$"
    r"|.*\n?At least one job did not complete successfully"
)
AS_EXPECTED = ("Missing output files", "Input files updated by another job")
"""Reasons of Snakemake for jobs that were never done, or read what is made now."""
WAITING = "Will exit after finishing currently running jobs"
"""Said again whenever a job ends, once a run was asked to end."""
INTERRUPTED = ("Terminating processes on user request", "Cancelling snakemake on user request")


class RunHandler(logging.Handler):
    """Shows a run's events on a stream, and at its end what failed.

    Args:
        study: its name.
        words: a job as a reader is told it, from its rule and the name of what it makes.
        results: the folder of all artefacts, in which running jobs say how far they are.
        has_bars: whether to draw bars; asked when the first jobs are known.
        is_dry: whether jobs are only told, with why they are done again.
    """

    def __init__(
        self,
        stream: TextIO,
        study: str,
        words: Callable[[str, str], str],
        results: Path,
        has_bars: Callable[[], bool],
        is_dry: bool = False,
    ):
        super().__init__()
        self.is_dry = is_dry
        self.stream, self.study, self.results, self.has_bars = stream, study, results, has_bars
        self.tally = Tally(words, lambda job, spent: said(results, job.name, spent)[1])
        self.shown: Lines | Terminal = Lines(stream, self.tally, results)
        self.note: Callable[[dict], None] = _forget
        self.how, self.complete_log, self.interrupted, self.ended = "", "", False, False
        self.waits = False

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record; a failure to do so never ends the run."""
        try:
            event = getattr(record, "event", None)
            show = EVENTS.get(str(getattr(event, "value", event)), RunHandler._message)
            show(self, record)
            self.shown.changed()
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Say how the run ended."""
        if not self.ended:
            self.ended = True
            self.shown.close()
            if lines := self._last_words():
                self.shown.conclude(lines)
        super().close()

    def _planned(self, record: Any) -> None:
        if not self.tally.planned:
            self.tally.plan(record.stats)
            if self.has_bars() and not self.is_dry:
                self.shown = Terminal(self.stream, self.tally, self.results)
            self.note(self.tally.facts())
            jobs = "1 job" if self.tally.total == 1 else f"{self.tally.total} jobs"
            self.shown.begin(f"study {self.study}: {jobs} to do")

    def _begun(self, record: Any) -> None:
        job = self.tally.begin(record.jobid, record.rule_name, record.wildcards or {})
        if job and self.is_dry:
            self.shown.say(f"  {job.words}{again(record.reason or '')}")

    def _finished(self, record: Any) -> None:
        if ended := self.tally.finish(record.job_id):
            self.shown.finished(*ended)
            self.note(self.tally.facts())

    def _failed(self, record: Any) -> None:
        how = " ".join([self.how, str(record.rule_msg or ""), str(record.aux or "")])
        failure = self.tally.fail(record.jobid, record.rule_name, list(record.log), how)
        self.how = ""
        if not self.interrupted:
            self.shown.failed(failure)

    def _error(self, record: Any) -> None:
        text = record.getMessage()
        if "CalledProcessError" in text:
            # The failed job follows, and is told by its words.
            self.how = text.rpartition("' ")[2]
        else:
            self._message(record)

    def _message(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith("Complete log(s): "):
            self.complete_log = text.partition(": ")[2]
        self.interrupted = self.interrupted or text.startswith(INTERRUPTED)
        is_again = self.waits and text.startswith(WAITING)
        self.waits = self.waits or text.startswith(WAITING)
        if not NOISE.match(text) and not is_again:
            self.shown.say(text, record.levelno)

    def _nothing(self, record: Any) -> None:
        pass

    def _last_words(self) -> list[str]:
        tally = self.tally
        if self.is_dry:
            return ["Nothing was done: this was a dry run."]
        if not tally.planned:
            return []
        done = f"{tally.done.total()} of {tally.total} jobs done in {duration_words(tally.elapsed)}"
        lines = []
        failures = list(tally.failures.values())
        if self.interrupted:
            lines.append(f"Interrupted: {done}.")
        elif failures and all(failure.is_interrupted for failure in failures):
            lines.append(f"Interrupted: {done}, {len(failures)} asked to end before they had:")
            lines += failure_lines(failures)
        elif failures:
            lines.append(f"{done}, {_failed_words(len(failures), tally.not_begun)}:")
            lines += failure_lines(failures)
        else:
            lines.append(f"{done}.")
        if tally.done.total() < tally.total:
            lines += ["What was computed is kept. To go on, run again:", f"  {command()}"]
        if self.complete_log:
            lines.append(f"Complete log: {self.complete_log}")
        return lines


EVENTS: dict[str, Callable[[RunHandler, Any], None]] = {
    "run_info": RunHandler._planned,
    "job_info": RunHandler._begun,
    "job_finished": RunHandler._finished,
    "job_error": RunHandler._failed,
    "error": RunHandler._error,
    **dict.fromkeys(
        ("job_started", "progress", "group_info", "group_error", "rulegraph", "resources_info"),
        RunHandler._nothing,
    ),
}


def show_run(
    logger: logging.Logger,
    study: str,
    words: Callable[[str, str], str],
    results: Path,
    is_local: Callable[[], bool],
    is_dry: bool = False,
) -> RunHandler | None:
    """Put a `RunHandler` in the place of Snakemake's own on the terminal, if that is there.

    is_local: whether jobs run on this machine; those of a cluster are told in plain lines.
    """
    for own in list(logger.handlers):
        if own.name != DEFAULT_HANDLER or not isinstance(own, logging.StreamHandler):
            continue
        stream = own.stream

        def has_bars(stream: TextIO = stream) -> bool:
            return is_watched(stream) and is_local()

        shown = RunHandler(stream, study, words, results, has_bars, is_dry)
        shown.name = own.name
        for kept in own.filters:
            shown.addFilter(kept)
        logger.removeHandler(own)
        logger.addHandler(shown)
        return shown
    return None


def is_watched(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can redraw lines, before a person."""
    is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return is_terminal and not os.environ.get("CI")


def is_typed() -> bool:
    """Whether a command of Lethe's own started this run, and not `snakemake`."""
    return COMMAND in os.environ


def again(reason: str) -> str:
    """Why Snakemake does a job again, after a colon; nothing of what is only not made yet."""
    kinds = (part.partition(":")[0].strip() for part in reason.split(";"))
    told = [kind[:1].lower() + kind[1:] for kind in kinds if kind and kind not in AS_EXPECTED]
    return f": {'; '.join(told)}" if told else ""


def command() -> str:
    """What the user typed to start this run."""
    import shlex

    called = os.path.basename(sys.argv[0]).removesuffix("__main__.py") or "snakemake"
    return os.environ.get(COMMAND) or shlex.join([called, *sys.argv[1:]])


def _forget(facts: dict) -> None:
    """Before a run's turn has come nobody asks how far it is."""


def _failed_words(failed: int, not_begun: int) -> str:
    more = f"; {not_begun} that need what failed were not begun" if not_begun else ""
    return f"{failed} failed{more}"
