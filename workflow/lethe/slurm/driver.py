"""The driver's side: put the stand-ins first in PATH, show notices, find jobs of killed runs."""

import os
import shlex
import shutil
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from lethe.artefacts.files import digest
from lethe.errors import UserError
from lethe.slurm.desk import Desk, patience
from lethe.slurm.records import Job, forget, jobs_of, runs, write_left, write_plan
from lethe.slurm.states import ask_states, is_at_work
from lethe.slurm.submission import cancel

FOLDER = Path(".snakemake") / "lethe-slurm"
STAND_INS = ("sbatch", "squeue", "sacct", "sinfo")
LOOK_SECONDS, CANCEL_SECONDS = 15.0, 120.0
SHOWN_JOBS = 20


class Left(NamedTuple):
    """Jobs of earlier runs that are waiting or running; if SLURM could not say, all of theirs."""

    jobs: list[Job]
    is_known: bool = True

    def lines(self) -> str:
        """What they make, one job a line."""
        lines = [f"  SLURM job {job.number}: {job.words()}" for job in self.jobs[:SHOWN_JOBS]]
        more = len(self.jobs) - len(lines)
        return "\n".join([*lines, *([f"  and {more} more"] if more else [])])


def jobs_left(folder: Path | str = ".") -> Left:
    """Ask SLURM, once, for the jobs that earlier runs in a workflow's folder left behind.

    Raises:
        UserError: the environment holds a wrong patience.
    """
    patience()
    desk = Desk(Path(folder).absolute() / FOLDER)
    known = {job.number: job for run in runs(desk.folder) for job in jobs_of(desk.folder, run)}
    if not known or shutil.which("squeue") is None:
        return Left([])
    question = {job.run for job in known.values()}
    told = ask_states(desk, question, LOOK_SECONDS)
    if told is None:
        return Left(list(known.values()), is_known=False)
    # A task of an array has its array's number before its own.
    at_work = {number.partition("_")[0] for number, state in told.items() if is_at_work(state)}
    return Left([job for number, job in known.items() if number in at_work])


def cancel_left(left: Left, folder: Path | str = ".") -> None:
    """Cancel them, and wait until SLURM has ended them.

    Raises:
        UserError: that takes too long.
    """
    if not cancel(Desk(Path(folder).absolute() / FOLDER), left.jobs, CANCEL_SECONDS):
        raise UserError(
            f"SLURM was told to cancel the jobs of a killed run, and has not ended them within "
            f"{CANCEL_SECONDS:.0f} s: see `squeue --me`, and type `lethe unlock` again."
        )


def warn_of_left(left: Left) -> None:
    """Before a run on this machine, which does not take them over."""
    if left.jobs:
        print(
            f"lethe: jobs of a killed run may still be at work here, and what they make is not "
            f"made beside them (`lethe unlock --cancel` cancels them):\n{left.lines()}",
            file=sys.stderr,
        )


def begin(jobs: Iterable[Any], left: Left, folder: Path | str = ".") -> None:
    """Before the first submission of a run.

    Args:
        jobs: Snakemake's, all that the run will submit.
        left: as found before the run looked at files.
    """
    desk = Desk(Path(folder).absolute() / FOLDER, _listen())
    desk.folder.mkdir(parents=True, exist_ok=True)
    for path in desk.folder.glob("away-*"):
        path.unlink(missing_ok=True)
    if left.is_known:
        for run in set(runs(desk.folder)) - {job.run for job in left.jobs}:
            forget(desk.folder, run)
    write_left(desk.folder, left.jobs)
    if left.jobs:
        desk.say(
            "a killed run left jobs in SLURM's queue. This run takes over what it needs of them; "
            f"`lethe unlock --cancel` would cancel them:\n{left.lines()}"
        )
    write_plan(desk.folder, {target: entry for job in jobs for target, entry in entries(job)})
    _write_stand_ins(desk)
    os.environ["PATH"] = os.pathsep.join([str(desk.commands), os.environ["PATH"]])


def entries(job: Any) -> Iterable[tuple[str, dict[str, Any]]]:
    """What one of Snakemake's jobs makes, under the words with which it asks for it."""
    wildcards = ",".join(f"{name}={value}" for name, value in job.wildcards_dict.items())
    values = {name: str(value) for name, value in job.params.items()}
    outputs = [os.path.abspath(path) for path in job.output]
    yield f"{job.rule.name}:{wildcards}", {"outputs": outputs, "params": digest(values)}


def _write_stand_ins(desk: Desk) -> None:
    """Small scripts, so that what runs is in the open; only for commands that are there."""
    shutil.rmtree(desk.commands, ignore_errors=True)
    desk.commands.mkdir(parents=True)
    for name in STAND_INS:
        if shutil.which(name) is None:
            continue
        call = [sys.executable, "-P", "-m", "lethe.slurm", str(desk.folder), desk.notices, name]
        path = desk.commands / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(call)} "$@"\n')
        path.chmod(0o755)


def _listen() -> str:
    """A file on this machine whose lines are shown to the run's user.

    The plugin keeps what commands say on stderr to itself.
    """
    read, write = os.pipe()
    threading.Thread(target=_show_lines, args=(read,), daemon=True).start()
    return f"/proc/{os.getpid()}/fd/{write}"


def _show_lines(descriptor: int) -> None:
    with open(descriptor, errors="replace") as lines:
        for line in lines:
            sys.stderr.write(line)
            sys.stderr.flush()
