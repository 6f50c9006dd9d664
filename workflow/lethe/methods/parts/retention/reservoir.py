"""Reservoir sampling: every example so far is equally likely to be kept (Vitter 1985, Alg. R)."""

import numpy as np


def reservoir_slots(
    seen: int, arriving: int, capacity: int, generator: np.random.Generator
) -> dict[int, int]:
    """Which of the arriving examples are kept, and where.

    Args:
        seen: number of examples that arrived before.
        arriving: number of examples that arrive now, in order.
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
