"""Requests that no log-likelihood can be given for, before anything is computed."""

from collections.abc import Sequence

from lethe.errors import UserError

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
