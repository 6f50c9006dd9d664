"""How much memory this machine lets a process have, to refuse in time what does not fit."""

import os
from pathlib import Path

from lethe.errors import UserError

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container, or a job of a cluster, finds its limit; the first one of today's kernels."""
GB = 1e9


def machine_memory() -> int | None:
    """Bytes of memory of this machine, or of the container it is; None: it does not say."""
    found = []
    try:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError, AttributeError):
        pass
    for limit in LIMITS:
        try:
            found.append(int(limit.read_text()))
        except (OSError, ValueError):
            continue
    return min(found, default=None)


def require_memory(needed: float, what: str) -> None:
    """Raise UserError if this machine has less memory than `needed` bytes.

    what: what needs it, as the sentence begins.
    """
    there = machine_memory()
    if there is not None and there < needed:
        raise UserError(
            f"{what} needs {needed / GB:.1f} GB of memory, but this machine has {there / GB:.1f} "
            "GB; run it on a larger one, or choose a smaller model."
        )
