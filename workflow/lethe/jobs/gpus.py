"""GPUs of a job: it gets as many as it asked for, for itself alone, or refuses to begin.

Otherwise a job that sees no GPU would train on the CPU for weeks, and jobs that run side by side
on one machine would all use its first GPU. A small model leaves most of a GPU idle: with
`LETHE_JOBS_PER_GPU` so many jobs that each ask for one GPU share it.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from lethe.artefacts.locks import Held, is_held, lock
from lethe.errors import UserError
from lethe.jobs.announced import announced_driver

ASKED = "LETHE_GPUS"
SHARE = "LETHE_JOBS_PER_GPU"
SEEN = "LETHE_SEEN_GPUS"  # by the driver: counting takes a job as long as importing torch
VISIBLE = "CUDA_VISIBLE_DEVICES"
LOOK_SECONDS = 0.5
COUNT = "import torch; print(torch.cuda.device_count())"

_leases = ExitStack()  # until this process ends


def take_asked_gpus() -> None:
    """Lease the GPUs that the rule of this job asked for, before CUDA starts.

    On a cluster the scheduler has set a job's GPUs; they are only counted.

    Raises:
        UserError: it sees fewer than it asked for.
    """
    asked = _number(ASKED, 0, "GPUs")
    if not asked:
        return
    driver = announced_driver()
    if driver and SEEN in os.environ:
        seen = [device for device in os.environ[SEEN].split(",") if device]
    else:
        seen = visible_gpus()
    if len(seen) < asked:
        raise UserError(_too_few(asked, len(seen)))
    if "SLURM_JOB_ID" not in os.environ or driver:
        os.environ[VISIBLE] = ",".join(lease(seen, asked, jobs_per_gpu()))


def announce_gpus() -> int:
    """Count this machine's GPUs for all local jobs of this process; returns the number."""
    seen = visible_gpus()
    os.environ[SEEN] = ",".join(seen)
    return len(seen)


def jobs_per_gpu() -> int:
    """How many jobs that ask for one GPU may share one: `LETHE_JOBS_PER_GPU`, else 1.

    Raises:
        UserError: it is no number, or 0.
    """
    if not (share := _number(SHARE, 1, "jobs, 1 or more")):
        raise UserError(f"{SHARE}: expected a number of jobs, 1 or more, found '0'")
    return share


def visible_gpus() -> list[str]:
    """What this process may use, as `CUDA_VISIBLE_DEVICES` names it.

    Another process counts them: CUDA reads that variable once, so it must not start here yet.
    """
    counted = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True)
    if counted.returncode:
        reason = (counted.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"torch cannot count the GPUs of this machine ({reason})")
    count = int(counted.stdout)
    listed = [name.strip() for name in os.environ.get(VISIBLE, "").split(",")]
    return listed[:count] if VISIBLE in os.environ else [str(index) for index in range(count)]


def lease(pool: list[str], count: int, share: int = 1) -> list[str]:
    """Devices of the pool for this process; waits until they are free.

    All are taken at once or none, so that two jobs never wait for each other. Up to `share`
    processes that each want one device have the same one; who wants several, or does not share,
    gets devices that no other process of this user has.
    """
    shares = share > 1 and count == 1
    told = False
    while True:
        with lock(_folder() / "lock"):
            taken = _one_place(pool, share) if shares else _whole_devices(pool, count)
        if taken:
            return taken
        if not told:
            print(f"note: waiting for {count} of the GPUs {', '.join(pool)}", file=sys.stderr)
        told = True
        time.sleep(LOOK_SECONDS)


def _one_place(pool: list[str], share: int) -> list[str]:
    """A device with a free place, emptier ones first; nothing if all places are taken."""
    for place in range(share):
        for device in pool:
            if is_held(_lease_file(device)):
                continue
            try:
                _leases.enter_context(lock(_lease_file(device, f"+{place}"), wait=False))
            except Held:
                continue
            return [device]
    return []


def _whole_devices(pool: list[str], count: int) -> list[str]:
    """Devices with nobody on any of their places; nothing if there are fewer than `count`."""
    taken = []
    with ExitStack() as held:
        for device in pool:
            with ExitStack() as places:
                try:
                    places.enter_context(lock(_lease_file(device), wait=False))
                    for path in _folder().glob(_lease_file(device, "+*").name):
                        places.enter_context(lock(path, wait=False))
                except Held:
                    continue
                held.push(places.pop_all())
            taken.append(device)
            if len(taken) == count:
                _leases.push(held.pop_all())
                return taken
    return []


def _too_few(asked: int, seen: int) -> str:
    visible = f"{VISIBLE}={os.environ[VISIBLE]!r}" if VISIBLE in os.environ else f"no {VISIBLE}"
    return (
        f"this job asked for {asked} GPU{'s' * (asked > 1)} and sees {seen or 'none'} ({visible}). "
        "Check the driver with `nvidia-smi` and that torch was installed for it; or let its rule "
        "ask for fewer, for instance --set-resources stage:gpu=0 to train on the CPU"
    )


def _number(variable: str, default: int, what: str) -> int:
    text = os.environ.get(variable, "") or str(default)
    if not text.isdecimal():
        raise UserError(f"{variable}: expected a number of {what}, found {text!r}")
    return int(text)


def _lease_file(device: str, place: str = "") -> Path:
    """What is locked for a whole device, or for a place of those who share it."""
    # Within an allocation, devices are numbered from 0 again.
    words = [os.environ.get("SLURM_JOB_ID", ""), re.sub(r"[^\w.-]", "_", device)]
    return _folder() / f"{'-'.join(filter(None, words))}{place}.lock"


def _folder() -> Path:
    """This user's leases on this machine: one place, whatever a job's own TMPDIR says."""
    folder = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir())
    folder /= f"lethe-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise UserError(f"{folder} belongs to somebody else; GPUs cannot be leased there")
    return folder
