"""Runs that make the same nodes take turns, wherever they were started.

Snakemake's own lock ends the second of two runs in one folder with an error, and does not see a run
in another folder whose `output` is the same. Runs that share no node are not held up.
"""

import os
import socket
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from lethe.artefacts.files import json_text, write_atomic, write_json
from lethe.artefacts.locks import is_held, lock
from lethe.artefacts.processes import identity
from lethe.errors import UserError
from lethe.jobs.announced import announced_driver
from lethe.jobs.drivers import named_process

FOLDER = ".runs"
LOOK_SECONDS = 0.5


@contextmanager
def turn(
    results: Path | str, study: str, nodes: Collection[str], wait: bool = True
) -> Iterator[Callable[[dict], None]]:
    """Wait until no other run makes any of these nodes or this study; then keep others waiting.

    Yields a function that adds facts to what this run has recorded of itself.

    wait: False goes on at once, as `snakemake --nolock` asks; later runs wait for this one.

    Raises:
        UserError: the wait was interrupted, or would never end, because the other run waits for
            this one.
    """
    folder = Path(results) / FOLDER
    with ExitStack() as held:
        try:
            while not _enter(held, folder, study, nodes, wait):
                time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            raise UserError(
                "interrupted while waiting for another run; nothing was begun"
            ) from None
        yield lambda facts: _note(folder, facts)


def run_of(results: Path | str, study: str) -> dict | None:
    """What the living run of a study has recorded of itself; None if none is going on."""
    for path in sorted((Path(results) / FOLDER).glob("*.json")):
        run = named_process(path)
        if run.get("study") == study and is_held(path.with_suffix(".lock")):
            return run
    return None


def started_at(run: Mapping[str, Any]) -> float:
    """Seconds since the epoch at which a run began; 0 if it has not said."""
    return float(run.get("began", 0.0))


def _record(folder: Path) -> Path:
    this = identity(os.getpid())
    return folder / f"{this['host']}-{this['pid']}.json"


def _note(folder: Path, facts: dict) -> None:
    record = _record(folder)
    with suppress(OSError, UserError):  # a full disk stops a run where it loses work, not here
        write_atomic(record, json_text(named_process(record) | facts, None), durable=False)


def _enter(held: ExitStack, folder: Path, study: str, nodes: Collection[str], wait: bool) -> bool:
    """Record this run until `held` is closed, unless another comes first, which is said once."""
    this, record = identity(os.getpid()), _record(folder)
    with lock(folder / "lock"):
        other = _other_run(folder, study, set(nodes)) if wait else None
        if other is None:
            held.enter_context(lock(record.with_suffix(".lock")))
            held.callback(_remove, record)
            content = {"study": study, "folder": os.getcwd(), "nodes": sorted(nodes)}
            content |= {"began": time.time()}
            write_json(record, this | content, indent=None)
            return True
    _say(f"waiting for {_named(other, folder)}")
    return False


@cache
def _say(text: str) -> None:
    print(f"lethe: {text}", file=sys.stderr, flush=True)


def _other_run(folder: Path, study: str, nodes: set[str]) -> dict | None:
    """The first living run that shares something; records of dead ones are removed."""
    for path in sorted(folder.glob("*.json")):
        run = named_process(path)
        if not run:
            continue
        if not is_held(path.with_suffix(".lock")):
            _remove(path)
        elif _shares(run, study, nodes):
            outer = announced_driver()
            if outer and outer.items() <= run.items():
                raise UserError(
                    f"this run was started by a job of {_named(run, folder)}; so each would wait "
                    "for the other. Start it by itself, or give it another `output`"
                )
            return run
    return None


def _shares(run: dict, study: str, nodes: set[str]) -> bool:
    others = run.get("nodes")
    if not isinstance(others, list):  # a damaged record
        return True
    return run.get("study") == study or not nodes.isdisjoint(map(str, others))


def _named(run: dict, folder: Path) -> str:
    who = f"the run with pid {run['pid']}"
    if run["host"] != socket.gethostname():
        who += f" on the machine {run['host']!r}"
    who += f" (study {run.get('study', 'unknown')}) in {run.get('folder', 'an unknown folder')}"
    return f"{who}, which makes some of the same files in {folder.parent}"


def _remove(record: Path) -> None:
    for path in (record, record.with_suffix(".lock")):
        with suppress(OSError):
            path.unlink()
