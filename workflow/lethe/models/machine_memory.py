"""How much memory this machine lets a process have, to refuse in time what does not fit."""

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from lethe.errors import UserError

OWN_GROUPS = Path("/proc/self/cgroup")
"""The control groups of this process: of a container, or of a job of a cluster."""
GROUPS = Path("/sys/fs/cgroup")
GB, MIB = 1e9, 2**20
OF_MACHINE = "the machine"


def machine_memory() -> int | None:
    """Bytes of memory of this machine, or of what it lets this process have; None: unknown."""
    return min((limit for _, limit in _limits()), default=None)


def require_memory(needed: float, what: str) -> None:
    """Raise UserError if this machine has less memory than `needed` bytes.

    what: what needs it, as the sentence begins.
    """
    there = machine_memory()
    if there is None or there >= needed:
        return
    setter = next((name for name, limit in _limits() if limit == there), OF_MACHINE)
    limited = "" if setter == OF_MACHINE else f", by the limit of {setter}"
    raise UserError(
        f"{what} needs {needed / GB:.1f} GB of memory, but this machine has {there / GB:.1f} GB"
        f"{limited}; {'run it on a larger one' if not limited else 'raise it'}, or choose a "
        "smaller model."
    )


def _limits() -> Iterator[tuple[str, int]]:
    """Who sets a limit to the memory of this process, and its bytes."""
    with suppress(ValueError, OSError, AttributeError):
        yield OF_MACHINE, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for option, kind in (("v", resource.RLIMIT_AS), ("d", resource.RLIMIT_DATA)):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield f"`ulimit -{option}`", soft
    for file in _group_files():
        with suppress(OSError, ValueError):  # a group without a limit says `max`
            yield str(file), int(file.read_text())
    yield from _of_slurm()


def _group_files() -> Iterator[Path]:
    """Files of limits of the control groups of this process, and of those above them."""
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        lines = ["0::/", "1:memory:/"]
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        group = PurePosixPath(path)
        # As a container sees a group that is not its own.
        inside = group.parts[1:] if ".." not in group.parts else ()
        if controllers == "":  # of today's kernels
            roots, name = (GROUPS, GROUPS / "unified"), "memory.max"
        elif "memory" in controllers.split(","):
            roots, name = (GROUPS / "memory",), "memory.limit_in_bytes"
        else:
            continue
        for root in roots:
            for depth in range(len(inside), -1, -1):
                yield root.joinpath(*inside[:depth]) / name


def _of_slurm() -> Iterator[tuple[str, int]]:
    """What a job of SLURM asked for on its node, in MiB; nought stands for all of the node's."""
    if "SLURM_JOB_ID" not in os.environ:
        return
    for name, count in (("NODE", "1"), ("CPU", os.environ.get("SLURM_CPUS_ON_NODE", ""))):
        given = os.environ.get(f"SLURM_MEM_PER_{name}", "")
        if given.isdecimal() and count.isdecimal() and int(given) * int(count):
            yield f"SLURM_MEM_PER_{name}", int(given) * int(count) * MIB
