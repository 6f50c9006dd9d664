"""The environment that a workflow's jobs inherit, and the single CPU thread of each."""

import os
import sys
from pathlib import Path

from lethe.artefacts.paths import PACKAGE
from lethe.jobs.repeated_sums import repeat_sums

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def set_environment(snapshot_seconds: float) -> None:
    """One thread per job, no network, this package, and the Python that runs Snakemake.

    The interval between snapshots of a stage is set here and not by an argument, because it
    changes no result and must rerun nothing.
    """
    os.environ.update(dict.fromkeys(THREADS, "1"))
    repeat_sums()
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # Logs go to files, where progress bars are noise.
    os.environ["TQDM_DISABLE"] = "1"
    os.environ["PYTHONPATH"] = str(PACKAGE.parent)
    # `python` in a rule is this one, even when the environment is not activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ["LETHE_SNAPSHOT_SECONDS"] = str(snapshot_seconds)


def one_thread() -> None:
    """Use one thread: jobs run in parallel, and a sum over two threads would round differently."""
    import torch

    torch.set_num_threads(1)
    # Denormals make tiny models several times slower, and differ between machines.
    torch.set_flush_denormal(True)
