"""Requests that no log-likelihood can be given for, before anything is computed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from lethe.errors import UserError
from lethe.jobs.out_of_memory import ran_out

SHOWN = 60  # characters of a text


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
                f"An answer without tokens cannot be scored{_told(texts)}; look for an empty "
                "choice in the task's data."
            )
        if not context:
            raise UserError(
                f"A context without tokens cannot be scored{_told(texts)}; the tokenizer has no "
                "token to begin with."
            )
        if len(continuation) > max_length:
            raise UserError(
                f"An answer of {len(continuation)} tokens is longer than the model's "
                f"{max_length}{_told(texts)}; it cannot be scored whole."
            )


def check_texts(pairs: Sequence[tuple[str, str]]) -> None:
    """Refuse empty answers of (context, answer), at which lm-eval's tokenising stumbles.

    Raises:
        UserError: an answer is empty, or blank without a context.
    """
    for context, answer in pairs:
        if not (answer if context else answer.strip()):
            check_requests([((context, answer), [], [])], 0)


def _told(texts) -> str:
    if texts is None:
        return ""
    context, continuation = texts
    return f" (after {context[-SHOWN:]!r}: {continuation[:SHOWN]!r})"


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
