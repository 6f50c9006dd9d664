"""States of a run's jobs, as the plugin asks for them.

The plugin drops every job when five questions in a row fail, and waits for ever for one that is no
longer listed. So it is told nothing new while SLURM does not answer, which makes it ask again
later, and a job that SLURM has forgotten is judged by what it was to make.
"""

import sys

from lethe.slurm.desk import Answer, Desk
from lethe.slurm.records import Job, jobs_of

STATE_SECONDS = 45.0
"""The plugin gives a question up after 60."""
FORMAT = ["--noheader", "--states=all", "--format=%i|%T"]
ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"),
    *("PREEMPTED", "REVOKED", "TIMEOUT"),
}
TAKEN_AWAY = ("PREEMPTED", "NODE_FAIL")
"""Ends that are no fault of the job. SLURM shows them only where it does not start it again."""


def is_state_query(arguments: list[str]) -> bool:
    """Whether these are the plugin's arguments when it asks for the states of a run's jobs."""
    return option(arguments, "--name") is not None


def option(arguments: list[str], *names: str) -> str | None:
    """The value of an option, given as `--name VALUE` or `--name=VALUE`."""
    for place, argument in enumerate(arguments):
        head, equals, value = argument.partition("=")
        if argument in names and place + 1 < len(arguments):
            return arguments[place + 1]
        if equals and head in names:
            return value
    return None


def answer_state_query(desk: Desk, arguments: list[str]) -> int:
    """Print NUMBER|STATE of every job of a run; nothing if SLURM does not answer in time."""
    run = option(arguments, "--name") or ""
    # Read first: a job that is submitted meanwhile must not count as forgotten.
    jobs = jobs_of(desk.folder, run)
    told = ask_states(desk, {run, *(job.run for job in jobs)}, STATE_SECONDS)
    if told is None:
        return 0
    for number, state in states_of_run(desk, jobs, told).items():
        sys.stdout.write(f"{number}|{state}\n")
    return 0


def ask_states(desk: Desk, runs: set[str], seconds: float) -> dict[str, str] | None:
    """{number: state} of all jobs of runs that SLURM knows; None if it does not answer in time."""
    question = [*FORMAT, "--name", ",".join(sorted(runs))]
    answer = desk.ask_patiently("squeue", question, seconds, until_good=True)
    return None if answer.status != 0 else parsed(answer)


def parsed(answer: Answer) -> dict[str, str]:
    rows = (line.split("|") for line in answer.out.splitlines())
    return {row[0].strip(): row[1].strip() for row in rows if len(row) == 2 and row[0].strip()}


def states_of_run(desk: Desk, jobs: list[Job], told: dict[str, str]) -> dict[str, str]:
    """What SLURM told, with what it has forgotten, and with what it took away put back."""
    states = dict(told)
    for job in jobs:
        if job.judged and job.number not in told:
            states[job.number] = state_of_forgotten(job)
    own = {job.number for job in jobs}
    for number, state in told.items():
        if state in TAKEN_AWAY and number.partition("_")[0] in own:
            states[number] = _put_back(desk, number)
    return states


def state_of_forgotten(job: Job) -> str:
    return "COMPLETED" if job.is_made() else "FAILED"


def _put_back(desk: Desk, number: str) -> str:
    answer = desk.ask("scontrol", ["requeue", number], STATE_SECONDS)
    if answer.is_passing():
        return "RUNNING"  # as long as nobody can tell
    return "FAILED" if answer.status else "PENDING"


def is_at_work(state: str) -> bool:
    """Whether a job in this state is waiting or running."""
    return bool(state) and state not in ENDED
