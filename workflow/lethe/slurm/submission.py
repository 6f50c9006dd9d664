"""Submit a job, once: tried again while SLURM refuses for now, and taken over if it is there."""

import dataclasses
import re
import shlex
import sys
import time
from typing import NamedTuple

from lethe.slurm.desk import CALL_SECONDS, Answer, Desk, Pauses, patience, show
from lethe.slurm.records import Job, jobs_of, left, planned, remember
from lethe.slurm.states import ask_states, is_at_work, option, state_of_forgotten

UNHEARD_SECONDS = 10.0
"""A call that timed out may still lie with the controller for so long (MessageTimeout)."""
UNHEARD = re.compile(r"timed out|zero bytes|no answer within|receive failure|reset", re.IGNORECASE)


class Call(NamedTuple):
    """An `sbatch` call of the plugin: its arguments and the script on its standard input."""

    arguments: list[str]
    script: str

    @property
    def run(self) -> str:
        return option(self.arguments, "--job-name", "-J") or ""

    @property
    def comment(self) -> str:
        return option(self.arguments, "--comment") or ""

    @property
    def clusters(self) -> str:
        return option(self.arguments, "--clusters", "-M") or ""

    @property
    def targets(self) -> list[str]:
        """What the job makes, from the Snakemake call in it."""
        return targets_of(option(self.arguments, "--wrap") or self.script)

    @property
    def is_judged(self) -> bool:
        """Whether a question here for its number is answered for this very job."""
        return option(self.arguments, "--array") is None and not self.clusters


def targets_of(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    if "--target-jobs" not in words:
        return []
    rest = words[words.index("--target-jobs") + 1 :]
    end = next((place for place, word in enumerate(rest) if word.startswith("--")), len(rest))
    return rest[:end]


def submit(desk: Desk, arguments: list[str]) -> int:
    """Stand in for `sbatch`; prints the job's number, as --parsable does."""
    script = sys.stdin.read() if arguments and arguments[-1] == "/dev/stdin" else ""
    call = Call(arguments, script)
    job = dataclasses.replace(planned(desk.folder, call.run, call.targets), judged=call.is_judged)
    taken = take_over(desk, job)
    if taken is None:
        answer = _submit_patiently(desk, call)
        number = answer.out.strip().split(";")[0]
        if answer.status == 0 and number.isdigit():
            _note(desk, call.run, dataclasses.replace(job, number=number))
        return show(answer)
    # Under this run's name too, so that this run's questions ask for it.
    _note(desk, call.run, taken)
    sys.stdout.write(f"{taken.number}\n")
    return 0


def _note(desk: Desk, run: str, job: Job) -> None:
    """Remember a job. It is submitted, so that a full disk must not make the plugin do it again."""
    try:
        remember(desk.folder, run, job)
    except OSError as error:
        desk.say(f"SLURM job {job.number} is not noted in {desk.folder} ({error.strerror}).")


def _submit_patiently(desk: Desk, call: Call) -> Answer:
    pauses = Pauses(patience())
    while True:
        answer = desk.ask("sbatch", call.arguments, CALL_SECONDS, call.script)
        if not answer.is_passing():
            desk.is_back("sbatch")
            return answer
        desk.is_away("sbatch", f"SLURM takes no job for now ({answer.reason()}). No try is lost")
        if UNHEARD.search(answer.error):
            time.sleep(min(UNHEARD_SECONDS, max(0.0, pauses.left())))
        if not pauses.pause():
            return answer
        if UNHEARD.search(answer.error):
            told = _accepted(desk, call, pauses)
            if told.status != 0:
                return answer  # nobody knows whether it was taken, so it must not be tried again
            if told.out:
                desk.is_back("sbatch")
                return told


def _accepted(desk: Desk, call: Call, pauses: Pauses) -> Answer:
    """The number of the job, if SLURM took it although the call for it failed; or nothing."""
    # %F is the number without a task's; %k the comment, which the plugin makes of rule and node.
    question = ["--noheader", "--states=all", "--format=%F|%k", "--name", call.run]
    if call.clusters:
        question += ["--clusters", call.clusters]
    answer = desk.ask_patiently("squeue", question, max(1.0, pauses.left()), until_good=True)
    known = {job.number for job in jobs_of(desk.folder, call.run)}
    rows = [line.partition("|") for line in answer.out.splitlines()]
    numbers = [row[0].strip() for row in rows if row[2].strip() == call.comment]
    new = [f"{number}\n" for number in numbers if number not in known]
    return answer._replace(out=new[0] if new else "")


def take_over(desk: Desk, job: Job) -> Job | None:
    """A killed run's job that makes the same, if it is at work or was done since this run began.

    One that makes it in another way is cancelled: what it makes would be made again.
    """
    if not (job.judged and job.targets):
        return None
    same = [old for old in left(desk.folder) if old.judged and set(old.targets) == set(job.targets)]
    taken = {known.number for known in jobs_of(desk.folder, job.run)}
    for old in same:
        if old.number in taken:
            continue  # it was taken over, and has failed
        told = ask_states(desk, {old.run}, patience())
        state = (told or {}).get(old.number) or state_of_forgotten(old)
        if old.params == job.params and (is_at_work(state) or state == "COMPLETED"):
            desk.say(f"takes over job {old.number} of a killed run ({job.words()}).")
            return old
        if is_at_work(state):
            desk.say(f"cancels job {old.number} of a killed run: {job.words()} has changed since.")
            cancel(desk, [old], patience())
    return None


def cancel(desk: Desk, jobs: list[Job], seconds: float) -> bool:
    """Cancel jobs, and wait until SLURM has ended them; whether it has within these seconds."""
    pauses = Pauses(seconds)
    desk.ask_patiently("scancel", [job.number for job in jobs], seconds)
    while True:
        told = ask_states(desk, {job.run for job in jobs}, max(1.0, pauses.left()))
        ended = told is not None and not any(is_at_work(told.get(job.number, "")) for job in jobs)
        if ended or not pauses.pause():
            return ended
