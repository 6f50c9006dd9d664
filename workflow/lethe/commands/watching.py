"""`lethe status --watch`: how far the run of a study is, again and again until it ends."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from lethe.artefacts.locks import is_held
from lethe.artefacts.paths import node_manifest, work_directory
from lethe.artefacts.rules import KINDS, rule_of
from lethe.display.failures import error_line, is_interruption
from lethe.display.handler import is_watched
from lethe.errors import one_line
from lethe.jobs.live import read_live
from lethe.jobs.runs import run_of, started_at
from lethe.planning.nodes import Node, Plan
from lethe.planning.words import node_words
from lethe.terminal import duration_words

SECONDS = 3.0
MOST_SHOWN = 15
WAIT_SECONDS = 10.0
"""A run that was started at the same moment takes so long to plan its jobs."""


def watch(plan: Plan, study: str, results: Path, seconds: float = SECONDS) -> None:
    """Show how far the living run of a study is until it ends: redrawn on a terminal, elsewhere
    as a block of lines whenever something has changed. Ctrl-C ends it.
    """
    words = node_words(plan)
    show = _redrawn if is_watched(sys.stdout) else _printed
    with suppress(KeyboardInterrupt):
        show(_blocks(plan, words, study, results, seconds))
        print("\n".join(as_lines(plan, words, study, results, None)))


def _blocks(
    plan: Plan, words: dict[str, str], study: str, results: Path, seconds: float
) -> Iterator[str]:
    end = time.monotonic() + WAIT_SECONDS
    while (run := run_of(results, study)) is not None or time.monotonic() < end:
        end = end if run is None else 0.0
        yield "\n".join(as_lines(plan, words, study, results, run))
        time.sleep(seconds)


def _redrawn(blocks: Iterator[str]) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(), auto_refresh=False, transient=True) as live:
        for block in blocks:
            text = Text(block, no_wrap=True, overflow="ellipsis")
            text.highlight_regex(r"(?m)^failed.*", "red")
            text.highlight_regex(r"\A.*", "bold")
            live.update(text, refresh=True)


def _printed(blocks: Iterator[str]) -> None:
    last = ""
    for block in blocks:
        if block != last:
            print(f"{block}\n", flush=True)
        last = block


def as_lines(
    plan: Plan, words: dict[str, str], study: str, results: Path, run: dict[str, Any] | None
) -> list[str]:
    """What is seen at one moment; `run` is what the living run has recorded of itself."""
    done, running, failed = {}, [], []
    begun = started_at(run) if run else 0.0
    for node in plan.nodes.values():
        done[node.id] = node_manifest(results, node.kind, node.id).exists()
        named = f"{rule_of(node.kind)} {words[node.id]}"
        if is_held(work_directory(results, node.id) / "lock"):
            said = read_live(work_directory(results, node.id))
            running.append(f"  {named}: {said or 'has begun'}")
        elif not done[node.id] and (why := _why_failed(node, results, begun)):
            how = "interrupted" if is_interruption(why) else "failed"
            failed.append(f"{how}: {named}: {one_line(why)}")
    lines = [_headline(study, run), *_counts(plan, done)]
    lines += ["running:", *_first(running)] if running else []
    return [*lines, *_first(failed)]


def _headline(study: str, run: dict[str, Any] | None) -> str:
    if run is None:
        return f"study {study}: no run is going on"
    if "of" not in run:
        return f"study {study}: a run has begun (pid {run['pid']})"
    parts = [f"study {study}: {run['done']} of {run['of']} jobs of this run"]
    parts += [f"{run['failed']} failed"] if run["failed"] else []
    if run["seconds_left"] is None:
        parts.append("time left not known yet")
    else:
        left = max(0.0, run["seconds_left"] - (time.time() - run["at"]))
        parts.append(f"about {duration_words(left)} left")
    return ", ".join(parts)


def _counts(plan: Plan, done: dict[str, bool]) -> Iterator[str]:
    for kind in KINDS:
        if nodes := plan.of_kind(kind):
            yield f"  {rule_of(kind):<9}{sum(done[n.id] for n in nodes):>5} of {len(nodes)} done"


def _why_failed(node: Node, results: Path, begun: float) -> str:
    """What the log of a node says; nothing if the living run, which redoes it, began later."""
    rule = rule_of(node.kind)
    folder = "fetched" if rule == "fetch" else rule
    log = results / "logs" / folder / f"{node.id}.log"
    try:
        facts = log.stat()
    except OSError:
        return ""
    return _error_line(log, facts.st_mtime_ns, facts.st_size) if facts.st_mtime >= begun else ""


@cache
def _error_line(log: Path, changed: int, size: int) -> str:
    """`error_line` of a log, which is read again only when it has changed."""
    return error_line(log)


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_SHOWN
    return [*lines[:MOST_SHOWN], *([f"  and {more} more"] if more > 0 else [])]
