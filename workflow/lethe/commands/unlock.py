"""Remove the lock that a killed run left behind, if it is certain that every run here has ended.

On a cluster, also list the jobs that the killed run left in the queue; they go on without it.
"""

import argparse
import socket
from contextlib import suppress
from pathlib import Path

from lethe.artefacts.processes import is_proved_dead
from lethe.errors import UserError, sought
from lethe.jobs.drivers import recorded_drivers
from lethe.slurm.driver import Left, cancel_left, jobs_left

LOCKS = Path(".snakemake") / "locks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--directory", type=Path, default=Path("."), help="where snakemake is called (%(default)s)"
    )
    parser.add_argument(
        "--cancel", action="store_true", help="cancel the SLURM jobs that a killed run left behind"
    )


def run(arguments: argparse.Namespace) -> None:
    if not arguments.directory.is_dir():
        found = "a file" if arguments.directory.exists() else "none"
        raise UserError(
            f"--directory: expected a folder at {sought(arguments.directory)}, found {found}."
        )
    tell_of(unlock(arguments.directory))
    # Those of a run that is in progress are its own.
    if not recorded_drivers(arguments.directory):
        report_left(jobs_left(arguments.directory), arguments)


def report_left(left: Left, arguments: argparse.Namespace) -> None:
    """Say what SLURM still does for killed runs, and cancel it if that is asked for.

    Raises:
        UserError: it should be cancelled and SLURM does not answer.
    """
    if not left.is_known:
        if arguments.cancel:
            raise UserError("SLURM does not answer, so nothing was cancelled; try again later.")
        print("lethe: SLURM does not say whether these jobs of a killed run are still at work:")
        print(left.lines())
    elif left.jobs and arguments.cancel:
        cancel_left(left, arguments.directory)
        print(f"lethe: cancelled what a killed run left in SLURM's queue:\n{left.lines()}")
    elif left.jobs:
        print("lethe: a killed run left jobs in SLURM's queue. The next run takes them over;")
        print(f"`lethe unlock --cancel` cancels them:\n{left.lines()}")


def tell_of(removed: list[int]) -> None:
    """Say whose locks were removed; nothing if there were none."""
    if removed:
        numbers = ", ".join(str(number) for number in removed)
        print(f"lethe: removed the lock of the killed run (pid {numbers})", flush=True)


def unlock_if_possible(folder: Path) -> None:
    """At the start of a run: unlock, unless another run may hold the lock."""
    with suppress(UserError):
        tell_of(unlock(folder))


def unlock(folder: Path) -> list[int]:
    """Remove Snakemake's locks; return the pids of the dead runs, or nothing if there was no lock.

    Raises UserError if a run is alive, or if it cannot be proved that the lock's owner is dead.
    """
    # In this order, since a run records itself before it locks.
    locks = sorted((folder / LOCKS).glob("*.lock"))
    records = recorded_drivers(folder)
    living = {path: record for path, record in records.items() if not is_proved_dead(record)}
    if locks and living:
        raise UserError(_about_living(living))
    if locks and not records:
        raise UserError(
            f"{folder / LOCKS} is locked, but no record shows which run did it. If you are sure "
            "that no snakemake runs in this folder, type: snakemake --unlock"
        )
    for path in [*locks, *(path for path in records if path not in living)]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"cannot remove {path}: {error.strerror}") from None
    return [record["pid"] for record in records.values()] if locks else []


def _about_living(living: dict[Path, dict]) -> str:
    path, record = next(iter(living.items()))
    if is_elsewhere(record):
        return (
            f"this folder is locked by a run on the machine {record['host']!r} (pid "
            f"{record['pid']}), which cannot be seen from here. If that run has ended, "
            f"delete {path} and type: snakemake --unlock"
        )
    if "started" not in record:
        return (
            f"a run may be in progress in this folder: its record {path} is damaged, and a process "
            f"with its pid, {record['pid']}, is alive. If that is no run, delete the record"
        )
    return (
        f"a run is in progress in this folder (pid {record['pid']}). Wait for it, or stop it "
        f"with: kill {record['pid']}"
    )


def is_elsewhere(record: dict) -> bool:
    """Whether a record was made on another machine."""
    return record["host"] != socket.gethostname()
