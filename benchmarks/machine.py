"""Where a benchmark ran: hardware, how busy it was, and versions of libraries."""

import importlib.util
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("torch", "transformers", "lm-eval", "snakemake", "trl")


def gpu() -> str | None:
    """Name and memory of the first GPU."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    return f"{torch.cuda.get_device_name(0)} ({memory:.0f} GiB, CUDA {torch.version.cuda})"


def hardware(device: str) -> str:
    """Processor, cores that this process may use, memory, GPU, and how busy the machine is."""
    model = re.search(r"model name\s*: (.+)", text_of("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+)", text_of("/proc/meminfo"))
    parts = [model[1] if model else platform.machine(), f"{len(os.sched_getaffinity(0))} cores"]
    parts += [f"{int(memory[1]) / 2**20:.0f} GiB"] if memory else []
    parts += [gpu() or "no GPU"] if device == "cuda" else []
    return ", ".join([*parts, f"load {os.getloadavg()[0]:.1f} before it began"])


def versions() -> str:
    """Of Python and of the libraries that are measured."""
    found = [f"Python {platform.python_version()}"]
    for library in LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            found.append(f"no {library}")
    return ", ".join(found)


def text_of(path: str | Path) -> str:
    """A file's text; empty if there is none."""
    return Path(path).read_text() if Path(path).exists() else ""
