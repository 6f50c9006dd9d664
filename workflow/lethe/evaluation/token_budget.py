"""Batches by the tokens they hold, padding included, not by their rows."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch

from lethe.errors import UserError

Item = TypeVar("Item")


def batches(
    items: Iterable[Item], length: Callable[[Item], int], tokens: int
) -> Iterator[list[Item]]:
    """Items longest first, as many a batch as `tokens` hold when padded to the longest of them.

    An item longer than that has a batch of its own.
    """
    batch: list[Item] = []
    for item in sorted(items, key=length, reverse=True):
        if batch and length(batch[0]) * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def in_halves(batch: list[Item], work: Callable[[list[Item]], dict[Any, Any]]) -> dict[Any, Any]:
    """What `work` answers for a batch, or for its halves where the device lacks memory for it.

    Raises:
        UserError: a single item needs more memory than there is.
    """
    try:
        return work(batch)
    except torch.OutOfMemoryError:
        pass  # left before anything else, so that what the failed pass holds is given back
    if len(batch) == 1:
        raise UserError(
            "The device lacks the memory to score even one text at a time; take a smaller dtype or "
            "a larger device."
        )
    middle = len(batch) // 2
    return in_halves(batch[:middle], work) | in_halves(batch[middle:], work)
