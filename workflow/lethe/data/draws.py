"""Draws that depend on their seeds alone: which examples a step takes, and generator seeds."""

import hashlib
from functools import lru_cache

import numpy as np


def seed_of(*parts: int) -> int:
    """A generator seed from its parts, the same on every machine."""
    text = ",".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")


def step_indices(size: int, batch_size: int, step: int, train_seed: int, total: int) -> list[int]:
    """Indices of the examples of one step: a function of (train seed, epoch, place) alone.

    The examples of epoch e are a permutation drawn from (train_seed, e); a step takes the next
    `batch_size` of the stream of epochs, and the stream ends after `total` examples.
    """
    first, last = step * batch_size, min((step + 1) * batch_size, total)
    indices, place = [], first
    while place < last:
        epoch, within = divmod(place, size)
        taken = epoch_order(size, train_seed, epoch)[within : within + last - place]
        indices.extend(int(index) for index in taken)
        place += len(taken)
    return indices


@lru_cache(maxsize=2)
def epoch_order(size: int, train_seed: int, epoch: int) -> np.ndarray:
    """The order of an epoch; cached, since shuffling a large corpus at every step costs time."""
    order = np.random.default_rng([train_seed, epoch]).permutation(size)
    order.flags.writeable = False
    return order
