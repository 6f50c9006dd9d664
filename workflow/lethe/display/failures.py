"""Failed jobs as a run names them at its end: words, the error, the log, and what to do."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lethe.errors import one_line
from lethe.terminal import duration_words

MOST_NAMED = 5
"""Jobs that failed with one and the same error and are named one by one."""
TAIL = 8
"""Lines of a log that are shown where none of them says what went wrong."""
# Not any 137: the number of a job on a cluster, or an id, may hold these digits.
KILLED = re.compile(r"\b(?:status|code)\b\D{0,4}137\b|SIGKILL|OUT_OF_ME")
ENDED_BY_SIGNAL = re.compile(r"\b(?:status|code)\b\D{0,4}(?:75|130|143)\b|SIGTERM|SIGINT|SIGHUP")
ASKED_TO_END = re.compile(r"stopped (?:at|before the first) step|interrupted;")
"""As jobs say it that were asked to end, and go on when they are run again."""
NO_MEMORY = re.compile(r"not enough memory|out of memory|cannot allocate memory", re.IGNORECASE)
NO_NETWORK = re.compile(r"cannot be reached|was interrupted|answered \d{3} ")
"""As the messages of `sources/hub` and `sources/packages` say it."""
OTHERWISE = (
    "run again where there is a network (`--until fetch` after `--snakemake` fetches alone), or "
    "name what is on this machine: `import` at a model, `files` at a source, and no set to fetch"
)
LESS_AT_ONCE = (
    "run fewer jobs side by side: `--cores 1`, or `--resources mem_mb=4000` for 4 GB in all"
)


@dataclass(frozen=True)
class Failure:
    """A job that failed. how: how its process ended, as Snakemake says it."""

    words: str
    seconds: float | None
    logs: list[str] = field(default_factory=list)
    how: str = ""

    @property
    def error(self) -> str:
        """The last line of its logs that reports an error, or else how it ended."""
        found = [line for log in self.logs if (line := error_line(Path(log)))]
        if found:
            return one_line(found[0])
        if self.is_killed:
            return "its process was killed"
        is_ended = ENDED_BY_SIGNAL.search(self.how) is not None
        return "interrupted; it was asked to end" if is_ended else "its log names no error"

    @property
    def is_killed(self) -> bool:
        return KILLED.search(self.how) is not None

    @property
    def is_interrupted(self) -> bool:
        """Whether it was asked to end and did not fail."""
        return is_interruption(self.error)

    @property
    def remedy(self) -> str:
        """What the user can do about it."""
        if NO_MEMORY.search(self.error):
            return LESS_AT_ONCE
        if self.is_killed:
            return f"if nobody killed it, memory ran out; {LESS_AT_ONCE}"
        if self.is_interrupted:
            return "run again: it goes on, or begins again if it had saved nothing"
        if NO_NETWORK.search(self.error):
            return OTHERWISE
        if any(_says(log, "Traceback (most recent call last)") for log in self.logs):
            return "read the log: this is an error of the program, not of the study"
        return "put right what the error says"


def error_line(log: Path) -> str:
    """The last line of a log that reports an error; empty if the log is missing or has none."""
    lines = _lines(log)
    errors = [line for line in lines if line.startswith("lethe: ") or "Error" in line]
    return errors[-1].removeprefix("lethe: ") if errors else ""


def is_interruption(error: str) -> bool:
    """Whether the error of a job says that it was asked to end."""
    return ASKED_TO_END.match(error) is not None


def failure_lines(failures: Iterable[Failure]) -> list[str]:
    """What a run says of its failures at its end; those with one error are named together."""
    groups: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.error, failure.remedy), []).append(failure)
    lines = []
    for (error, remedy), group in groups.items():
        for failure in group[:MOST_NAMED]:
            after = "" if failure.seconds is None else f", after {duration_words(failure.seconds)}"
            lines.append(f"  {failure.words}{after}")
        if len(group) > MOST_NAMED:
            lines.append(f"  and {len(group) - MOST_NAMED} more, with the same error")
        lines.append(f"    error:  {error}")
        lines += [f"            {line}" for line in _tail(group[0])]
        lines += [f"    log:    {log}" for log in group[0].logs]
        lines.append(f"    remedy: {remedy}")
    return lines


def _tail(failure: Failure) -> list[str]:
    """The end of its log, if no line of it says what went wrong."""
    if failure.is_interrupted or any(error_line(Path(log)) for log in failure.logs):
        return []
    return [line for log in failure.logs for line in _lines(Path(log))[-TAIL:] if line.strip()]


def _says(log: str, words: str) -> bool:
    return any(words in line for line in _lines(Path(log)))


def _lines(log: Path) -> list[str]:
    try:
        return log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
