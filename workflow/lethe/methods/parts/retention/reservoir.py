"""Reservoir sampling: every example seen so far is kept equally likely (Vitter 1985, Alg. R)."""

import numpy as np


def reservoir_slots(
    seen: int, arriving: int, capacity: int, generator: np.random.Generator
) -> dict[int, int]:
    """Which of the arriving examples stay, and where.

    Args:
        seen: examples that went by before.
        arriving: examples that now go by, in order.
        capacity: slots of the buffer.

    Returns:
        slot -> index of the arriving example that ends up there; other slots are untouched.
    """
    slots: dict[int, int] = {}
    for index in range(arriving):
        number = seen + index
        slot = number if number < capacity else int(generator.integers(0, number + 1))
        if slot < capacity:
            slots[slot] = index
    return slots
