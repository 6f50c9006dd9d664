"""Examples of earlier stages that a method may still read, and what a step draws of them."""

import math

import numpy as np

from lethe.data.examples import Example
from lethe.errors import UserError
from lethe.methods.contract import Stage

WHICH_ARE_KEPT = 203  # distinguishes this draw from others of the same seed


class Earlier:
    """A buffer of earlier stages' examples; one may be made whenever it is drawn.

    What is kept of a stage depends on the seed and the stage alone, so it stays the same for the
    rest of the chain.

    Args:
        capacity: examples kept of each earlier stage; None: all of them.
        method: name of the method, for messages.

    Raises:
        UserError: a stage has fewer examples than are to be kept.
    """

    def __init__(self, stage: Stage, capacity: int | None, method: str):
        self.parts = stage.load_replayed()
        self.places: list[tuple[int, int]] = []
        for number, part in enumerate(self.parts):
            size = len(part) if capacity is None else capacity
            if size > len(part):
                raise UserError(
                    f"Method {method!r} is to keep {size} examples of every earlier stage, and "
                    f"stage {number + 1} has {len(part)}; lower `capacity`, or leave it out to "
                    "keep all of them."
                )
            generator = np.random.default_rng([stage.seed, number, WHICH_ARE_KEPT])
            kept = np.sort(generator.permutation(len(part))[:size])
            self.places += [(number, int(index)) for index in kept]

    def __len__(self) -> int:
        return len(self.places)

    def draw(self, stage: Stage, count: int, which: int) -> list[Example]:
        """The examples that a step draws, see `drawn`."""
        places = (self.places[number] for number in drawn(stage, len(self), count, which))
        return [self.parts[part][index] for part, index in places]


def drawn(stage: Stage, size: int, count: int, which: int) -> list[int]:
    """Different numbers below `size`, at most as many as there are, from (seed, step, which)."""
    generator = np.random.default_rng([stage.seed, stage.step, which])
    return generator.choice(size, min(count, size), replace=False).tolist() if size else []


def due(step: int, share: float) -> int:
    """How many of `share` examples a step takes, on average, are this step's.

    Whole numbers whose sum over the first n steps is n x share, rounded down: a share of 0.4 gives
    0, 0, 1, 0, 1. So a ratio of one in a hundred is possible in steps of eight examples.
    """
    return math.floor((step + 1) * share + 1e-9) - math.floor(step * share + 1e-9)
