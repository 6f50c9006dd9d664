"""How often a snapshot is written; `lethe plan` reads it too, so it imports nothing heavy."""

LARGEST_SHARE = 0.02
"""Share of the time that snapshots may take."""
SPEED = 3e8
"""Bytes per second, as long as none was measured: copied from the device, hashed, written, synced.
A local disk writes faster, a shared file system sometimes slower."""
WEIGHTS, MOMENTS = 1, 2
"""Numbers that a snapshot holds for a parameter that is trained: itself, and AdamW's."""


def seconds_for(size: float) -> float:
    """Estimated duration of a snapshot of `size` bytes."""
    return size / SPEED


def interval(least: float, took: float) -> float:
    """Seconds from a snapshot that took `took` seconds to the next one; `least` if it is more."""
    return max(least, took * (1 / LARGEST_SHARE - 1))
