"""Batches by the tokens they hold, padding included, not by their rows."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from lethe.errors import UserError
from lethe.out_of_memory import ran_out

Item = TypeVar("Item")
ONE_TOO_MANY = (
    "The device lacks the memory to score even one text at a time; take a smaller dtype or a "
    "larger device."
)


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
    except RuntimeError as error:
        if not ran_out(error):
            raise
    # Not within `except`: the error holds on to what the pass had in memory.
    if len(batch) == 1:
        raise UserError(ONE_TOO_MANY)
    middle = len(batch) // 2
    return in_halves(batch[:middle], work) | in_halves(batch[middle:], work)
