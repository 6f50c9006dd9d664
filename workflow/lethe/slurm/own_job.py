"""What a process knows of the SLURM job that it runs in: its end, and how to be put back."""

import os
import re
import subprocess
import time
from datetime import datetime

from lethe.jobs.ending import VARIABLE as END

JOB = "LETHE_SLURM_JOB"
"""Number of the job that was submitted for this work alone, so that it may be put back."""
ASK_SECONDS = 20
KILLED_SECONDS = 120
"""SLURM ends a job that is put back within KillWait, 30 by default."""
MOST_RESTARTS = 100
"""A job that gets nowhere within its time is not put back for ever; then it costs a try."""


def announce_end() -> None:
    """Tell the processes of a submitted job when its time ends, and which job it is."""
    number = os.environ.get("SLURM_JOB_ID")
    if not number or os.environ.get(JOB) == number:
        return
    os.environ[JOB] = number
    os.environ.pop(END, None)
    end = _end(number)
    if end is not None:
        os.environ[END] = str(end)


def _end(number: str) -> int | None:
    given = os.environ.get("SLURM_JOB_END_TIME", "")  # SLURM 22.05 and later, in some places only
    if given.isdigit():
        return int(given)
    # Local time, without a zone.
    told = re.search(r"\bEndTime=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", _told(number))
    return int(datetime.fromisoformat(told[1]).timestamp()) if told else None


def put_back() -> None:
    """Ask SLURM to start this job again later, and wait to be ended; does nothing elsewhere.

    Nor for a job that is being cancelled: whoever cancelled it wants no other. Returns if SLURM
    refuses; then the job fails.
    """
    number = os.environ.get(JOB)
    if not number:
        return
    told = _told(number)
    state = re.search(r"\bJobState=(\w+)", told)
    restarts = re.search(r"\bRestarts=(\d+)", told)
    if not state or state[1] != "RUNNING":
        return
    if restarts and int(restarts[1]) >= MOST_RESTARTS:
        print(f"lethe: SLURM job {number} was put back {MOST_RESTARTS} times; it is not again.")
        return
    print(f"lethe: puts SLURM job {number} back in the queue, to go on from here.", flush=True)
    if _scontrol("requeue", number).returncode == 0:
        time.sleep(KILLED_SECONDS)


def _told(number: str) -> str:
    return _scontrol("--oneliner", "show", "job", number).stdout


def _scontrol(*arguments: str) -> subprocess.CompletedProcess:
    call = ["scontrol", *arguments]
    for _ in range(3):
        try:
            told = subprocess.run(call, capture_output=True, text=True, timeout=ASK_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            told = subprocess.CompletedProcess(call, 1, "", "")
        if told.returncode == 0:
            break
        time.sleep(1)
    return told
