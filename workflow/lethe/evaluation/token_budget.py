"""Batches by the tokens they hold, padding included, not by their rows."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

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
