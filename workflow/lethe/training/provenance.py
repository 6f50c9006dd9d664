"""What a checkpoint's manifest records about how it was made."""

import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from lethe.artefacts.paths import PACKAGE

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "safetensors")


def provenance(code: str) -> dict:
    """Versions, commit, code fingerprint, device and threads of this process."""
    import torch

    return {
        "code": code,
        "versions": {name: _version(name) for name in PACKAGES} | {"python": _python()},
        "commit": commit(),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _python() -> str:
    return platform.python_version()


def commit() -> str | None:
    """The commit of the workflow, with `-dirty` when files differ from it; None outside git."""
    command = ["git", "-C", str(PACKAGE), "describe"]
    command += ["--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def costs(model, progress, started: float, trained: float, added: int = 0) -> dict:
    """What a job spent: steps, tokens, operations, wall and CPU seconds, bytes of memory.

    `halvings`: [step, rows of a micro-batch from then on] for every time memory ran out.
    `replayed`: tokens that the method replayed, besides the stage's own `tokens`.

    Args:
        added: parameters that the parametrisation added to the model's own.
        started: monotonic clock at the start of the job.
        trained: CPU seconds in the training loop.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "parameters": parameters - added,
        "trained": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "steps": len(progress.rows),
        "tokens": progress.tokens,
        "replayed": progress.replayed[0],
        "labels": progress.labels,
        "halvings": progress.halvings,
        "flops": training_flops(model, progress),
        "seconds": round(time.monotonic() - started, 3),
        "cpu_seconds": {"job": time.process_time(), "training": trained},
        "peak_memory": peak_memory(),
    }


def peak_memory() -> int:
    """Most bytes at once: of tensors on the GPU where there is one, else of this process."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def training_flops(model, progress) -> int:
    """Floating-point operations of training: 6 for each parameter and token (Kaplan et al. 2020).

    4 for a parameter that is not trained, since its own gradient is not computed. In an
    encoder-decoder a token passes only the parameters of its own side; the decoder's keys and
    values of the source are counted with the decoder. Replayed tokens count as the stage's own do.
    Attention scores, recomputation and passes without gradients (a teacher's) are not counted.
    """
    every, tokens = _operations(model.parameters()), progress.tokens + progress.replayed[0]
    if not progress.encoder_tokens:
        return every * tokens
    embeddings = {id(parameter) for parameter in model.get_input_embeddings().parameters()}
    encoder = _operations(p for p in model.get_encoder().parameters() if id(p) not in embeddings)
    encoded = progress.encoder_tokens + progress.replayed[1]
    return encoder * encoded + (every - encoder) * (tokens - encoded)


def _operations(parameters: Iterable) -> int:
    """Floating-point operations for a token that passes these parameters."""
    return sum(p.numel() * (6 if p.requires_grad else 4) for p in parameters)
