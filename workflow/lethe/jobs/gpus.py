"""GPUs of a job: it gets as many as it asked for, for itself alone, or refuses to begin.

Otherwise a job that sees no GPU would train on the CPU for weeks, and jobs that run side by side
on one machine would all use its first GPU.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from lethe.artefacts.locks import Held, lock
from lethe.errors import UserError
from lethe.jobs.announced import announced_driver

ASKED = "LETHE_GPUS"
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
    text = os.environ.get(ASKED, "") or "0"
    if not text.isdecimal():
        raise UserError(f"{ASKED}: expected a number of GPUs, found {text!r}")
    asked = int(text)
    if not asked:
        return
    seen = visible_gpus()
    if len(seen) < asked:
        raise UserError(_too_few(asked, len(seen)))
    if "SLURM_JOB_ID" not in os.environ or announced_driver():
        os.environ[VISIBLE] = ",".join(lease(seen, asked))


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


def lease(pool: list[str], count: int) -> list[str]:
    """Devices of the pool that no other leasing process of this user has; waits for them.

    All are taken at once or none, so that two jobs never wait for each other.
    """
    told = False
    while True:
        taken = []
        with lock(_folder() / "lock"):
            for device in pool:
                try:
                    _leases.enter_context(lock(_folder() / _file_name(device), wait=False))
                except Held:
                    continue
                taken.append(device)
                if len(taken) == count:
                    return taken
            _leases.close()
        if not told:
            print(f"note: waiting for {count} of the GPUs {', '.join(pool)}", file=sys.stderr)
        told = True
        time.sleep(LOOK_SECONDS)


def _too_few(asked: int, seen: int) -> str:
    visible = f"{VISIBLE}={os.environ[VISIBLE]!r}" if VISIBLE in os.environ else f"no {VISIBLE}"
    return (
        f"this job asked for {asked} GPU{'s' * (asked > 1)} and sees {seen or 'none'} ({visible}). "
        "Check the driver with `nvidia-smi` and that torch was installed for it; or let its rule "
        "ask for fewer, for instance --set-resources stage:gpu=0 to train on the CPU"
    )


def _file_name(device: str) -> str:
    # Within an allocation, devices are numbered from 0 again.
    words = [os.environ.get("SLURM_JOB_ID", ""), re.sub(r"[^\w.-]", "_", device)]
    return "-".join(filter(None, words)) + ".lock"


def _folder() -> Path:
    """This user's leases on this machine: one place, whatever a job's own TMPDIR says."""
    folder = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir())
    folder /= f"lethe-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise UserError(f"{folder} belongs to somebody else; GPUs cannot be leased there")
    return folder
