"""Where a run's dealings with SLURM are kept: the real commands, the remembered jobs, notices."""

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from lethe.errors import UserError
from lethe.jobs.announced import VARIABLE as DRIVER
from lethe.slurm.own_job import END, JOB

PATIENCE = "LETHE_SLURM_PATIENCE"
PATIENCE_SECONDS = 24 * 3600.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
CALL_SECONDS = 300.0
"""A command that takes longer has not been answered; SLURM's own time-outs are far shorter."""

# What the driver sets for itself; jobs that inherit its environment must not see it.
OF_THE_DRIVER = (DRIVER, END, JOB)

# Messages of SLURM 22.05 (slurm_errno.c) and of the system; and limits of the number of jobs, which
# pass as jobs end. Anything else, such as a partition that does not exist, is not tried again.
PASSING = re.compile(
    r"unable to contact slurm controller|socket timed out|zero bytes were transmitted"
    r"|communication connection failure|message (send|receive) failure|connection (refused|reset)"
    r"|connection timed out|timed out connecting|standby mode"
    r"|temporarily un|try again|protocol authentication error|munge|no route to host"
    r"|could not establish a configuration source|resource temporarily unavailable"
    r"|(assoc|qos)\w*submitjob\w*limit",
    re.IGNORECASE,
)


class Answer(NamedTuple):
    """What a command of SLURM said; `status` is None if it did not end in time."""

    status: int | None
    out: str
    error: str

    def is_passing(self) -> bool:
        """Whether the same question may be answered otherwise later."""
        return self.status is None or bool(self.status and PASSING.search(self.error))

    def reason(self) -> str:
        """The command's complaint in one line."""
        return " ".join(self.error.split()) or "no answer in time"


class Pauses:
    """Pauses between tries: they double, up to a longest one, and end with the patience."""

    def __init__(self, patience: float):
        self.end = time.monotonic() + patience
        self._next = FIRST_PAUSE

    def left(self) -> float:
        return self.end - time.monotonic()

    def pause(self) -> bool:
        """Wait; False, at once, if the patience would be over."""
        if self.left() < self._next:
            return False
        time.sleep(self._next)
        self._next = min(2 * self._next, LONGEST_PAUSE)
        return True


class Desk:
    """A run's folder for SLURM.

    folder: beside Snakemake's own files; see `records` for what is in it.
    notices: a file that the driver reads, to show its user what it is told; "" for stderr.
    """

    def __init__(self, folder: Path, notices: str = ""):
        self.folder, self.notices = folder, notices
        self.commands = folder / "commands"

    def environment(self) -> dict[str, str]:
        """That of the real commands, and so of the jobs: without what is the driver's alone."""
        kept = {name: text for name, text in os.environ.items() if name not in OF_THE_DRIVER}
        folders = kept.get("PATH", "").split(os.pathsep)
        kept["PATH"] = os.pathsep.join(part for part in folders if part != str(self.commands))
        return kept

    def ask(self, command: str, arguments: list[str], seconds: float, given: str = "") -> Answer:
        """Call the real command. UserError if there is none."""
        environment = self.environment()
        call = ["/usr/bin/env", command, *arguments]
        try:
            told = subprocess.run(
                call, env=environment, input=given, capture_output=True, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return Answer(None, "", f"{command}: no answer within {seconds:.0f} s")
        if told.returncode == 127:
            raise UserError(f"expected the command {command!r} of SLURM in PATH, found none.")
        return Answer(told.returncode, told.stdout, told.stderr)

    def ask_patiently(
        self, command: str, arguments: list[str], patience: float, until_good: bool = False
    ) -> Answer:
        """Call the real command until SLURM answers; the last answer if patience is over.

        until_good: whether no failure is an answer, whatever it says.
        """
        pauses = Pauses(patience)
        while True:
            answer = self.ask(command, arguments, max(1.0, min(CALL_SECONDS, pauses.left())))
            if answer.status == 0 or not (until_good or answer.is_passing()):
                self.is_back(command)
                return answer
            self.is_away(command, f"SLURM does not answer ({answer.reason()}). Jobs go on")
            if not pauses.pause():
                return answer

    def pass_on(self, command: str, arguments: list[str]) -> int:
        """Answer for a command that changes nothing, once SLURM does."""
        return show(self.ask_patiently(command, arguments, patience()))

    def is_away(self, command: str, what: str) -> None:
        """Say once that SLURM does not do what a command asks."""
        try:
            with open(self.folder / f"away-{command}", "x") as file:
                file.write(str(time.time()))
        except OSError:
            return
        self.say(f"{what}; asking again until it does.")

    def is_back(self, command: str) -> None:
        """Say that it does again, if it was said that it does not."""
        path = self.folder / f"away-{command}"
        try:
            since = float(path.read_text() or "nan")
            path.unlink()
        except (OSError, ValueError):
            return
        self.say(f"SLURM answers {command} again, after {time.time() - since:.0f} s.")

    def say(self, sentence: str) -> None:
        """Show the run's user a sentence."""
        if not self.notices:
            print(f"lethe: {sentence}", file=sys.stderr)
            return
        with suppress(OSError), open(self.notices, "w") as file:
            file.write(f"lethe: {sentence}\n")


def show(answer: Answer) -> int:
    """Hand an answer to the caller of the command."""
    sys.stdout.write(answer.out)
    sys.stderr.write(answer.error)
    return 1 if answer.status is None else answer.status


def patience() -> float:
    """Seconds for which a submission that is refused for now is tried again.

    Raises:
        UserError: the variable holds no such number.
    """
    text = os.environ.get(PATIENCE) or str(PATIENCE_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UserError(f"{PATIENCE}: expected seconds from 0 up, found {text!r}.")
    return seconds
