"""Checks of requests before anything is computed, and batches that fit into memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from lethe.errors import UserError
from lethe.jobs.out_of_memory import ran_out

SHOWN = 60  # characters of a text shown in messages


def check_requests(requests: Sequence[tuple], max_length: int) -> None:
    """Refuse answers without tokens, or with more than the model can predict.

    Args:
        requests: (texts or None, context tokens, continuation tokens).

    Raises:
        UserError: an empty continuation or context, a continuation longer than the model.
    """
    for texts, context, continuation in requests:
        if not continuation:
            raise UserError(
                f"An answer without tokens cannot be scored{_quoted(texts)}; look for an empty "
                "choice in the task's data."
            )
        if not context:
            raise UserError(
                f"A context without tokens cannot be scored{_quoted(texts)}; the tokenizer has no "
                "beginning token."
            )
        if len(continuation) > max_length:
            raise UserError(
                f"An answer of {len(continuation)} tokens is longer than the model's "
                f"{max_length}{_quoted(texts)}, so it cannot be scored."
            )


def check_texts(pairs: Sequence[tuple[str, str]]) -> None:
    """Refuse empty answers of (context, answer), for which lm-eval's tokenising fails.

    Raises:
        UserError: an answer is empty, or blank without a context.
    """
    for context, answer in pairs:
        if not (answer if context else answer.strip()):
            check_requests([((context, answer), [], [])], 0)


def _quoted(texts) -> str:
    if texts is None:
        return ""
    context, continuation = texts
    return f" (after {context[-SHOWN:]!r}: {continuation[:SHOWN]!r})"


Item = TypeVar("Item")
ONE_TOO_MANY = (
    "The device lacks the memory to score even one text at a time; use a smaller dtype or a "
    "larger device."
)


PADDING = 1 / 16
"""Padding that a batch may hold, as a share of `tokens`: about what one more pass costs."""


def batches(
    items: Iterable[Item], length: Callable[[Item], int], tokens: int
) -> Iterator[list[Item]]:
    """Batches of items, longest first, with at most `tokens` tokens including padding.

    A longer item has its own batch. A batch also ends where shorter items would be padded with more
    than a small share of `tokens` in all.
    """
    batch: list[Item] = []
    padding = 0
    for item in sorted(items, key=length, reverse=True):
        longest = length(batch[0]) if batch else length(item)
        padding += longest - length(item)
        if batch and (longest * (len(batch) + 1) > tokens or padding > PADDING * tokens):
            yield batch
            batch, padding = [], 0
        batch.append(item)
    if batch:
        yield batch


def in_halves(batch: list[Item], work: Callable[[list[Item]], dict[Any, Any]]) -> dict[Any, Any]:
    """The result of `work` for a batch, or for its halves if the device lacks memory.

    Raises:
        UserError: the device lacks memory for a single item.
    """
    try:
        return work(batch)
    except RuntimeError as error:
        if not ran_out(error):
            raise
    # Not within `except`: the error keeps the pass's tensors in memory.
    if len(batch) == 1:
        raise UserError(ONE_TOO_MANY)
    middle = len(batch) // 2
    return in_halves(batch[:middle], work) | in_halves(batch[middle:], work)
