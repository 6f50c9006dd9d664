"""What a running job has done so far: a small file beside its lock, and a line in its log."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from lethe.artefacts.files import json_text, write_atomic
from lethe.errors import UserError
from lethe.terminal import duration_words

NAME, AGAIN = "live.json", "again.txt"
RECORD_SECONDS = 5.0
LOG_SECONDS = 60.0
Item = TypeVar("Item")


class LiveRecord:
    """Tells `lethe status` and the log how far a job is.

    directory: the work folder of the job's node. first: what was done before this process began,
    if it continues. unit: what is counted, such as `step` or `evaluation task`. whole: whether the
    job is done when they are; otherwise the time left is not told.
    """

    def __init__(self, directory: Path, unit: str = "step", first: int = 0, whole: bool = True):
        self.path, self.unit, self.first, self.whole = directory / NAME, unit, first, whole
        self.started = self.recorded = self.logged = time.monotonic()
        # The first note is written at once, so that a job that has begun is seen.
        self.recorded -= RECORD_SECONDS

    def note(self, done: int, of: int, *, loss: float | None = None, tokens: int = 0) -> None:
        """Say how far the job is, if the last time is long enough ago, or all is done.

        tokens: those that this process has trained on.
        """
        now = time.monotonic()
        if done < of and now - self.recorded < RECORD_SECONDS:
            return
        self.recorded = now
        seconds, here = now - self.started, done - self.first
        facts = {"unit": self.unit, "done": done, "of": of, "loss": loss, "at": time.time()}
        if here and seconds >= 1:
            facts["tokens_per_second"] = round(tokens / seconds) if tokens else None
            if self.whole:
                facts["seconds_left"] = round(seconds / here * (of - done))
        try:
            write_atomic(self.path, json_text(facts), durable=False)
        except (OSError, UserError):
            # A full disk stops a job where it loses work, not here.
            pass
        if now - self.logged >= LOG_SECONDS:
            self.logged = now
            print(live_words(facts), file=sys.stderr, flush=True)


def counted(directory: Path, items: Iterable[Item], of: int, unit: str) -> Iterator[Item]:
    """Yield the items of a pass that a job makes besides its steps, and tell how far it is."""
    live = LiveRecord(directory, unit, whole=False)
    for done, item in enumerate(items):
        live.note(done, of)
        yield item


def say_again(directory: Path, words: str) -> None:
    """Say in the log, and from now on before how far the job is, that it begins again, and why."""
    print(words, file=sys.stderr, flush=True)
    write_atomic(directory / AGAIN, words, durable=False)


def read_live(directory: Path) -> str:
    """How far the job that works in a folder is, in words; empty if it has not said."""
    try:
        facts = json.loads((directory / NAME).read_text(encoding="utf-8"))
        ago = time.time() - facts["at"]
        late = f" ({duration_words(ago)} ago)" if ago > 3 * RECORD_SECONDS else ""
        again = directory / AGAIN
        before = f"{again.read_text(encoding='utf-8')}: " if again.is_file() else ""
        return f"{before}{live_words(facts)}{late}"
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def live_words(facts: dict) -> str:
    """`step 120 of 512, loss 2.310, 3,120 tokens/s, 2 min left`; what is not known is left out."""
    parts = [f"{facts['unit']} {facts['done']} of {facts['of']}"]
    if facts.get("loss") is not None:
        parts.append(f"loss {facts['loss']:.3f}")
    if facts.get("tokens_per_second"):
        parts.append(f"{facts['tokens_per_second']:,} tokens/s")
    if facts.get("seconds_left") is not None:
        parts.append(f"{duration_words(facts['seconds_left'])} left")
    return ", ".join(parts)
