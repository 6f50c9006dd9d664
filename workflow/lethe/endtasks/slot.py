"""The hidden slot of a text, where an end task's classifier may read instead of the first token.

This is ours. Masked-LM training gives the first token of an encoder no loss of its own, so what a
domain taught about a word need not reach it; it must reach the mask token, whose state predicts the
hidden word. A decoder predicts that word from the token before it, so its text is cut at the mask.
"""

from lethe.endtasks.labelled import Split
from lethe.errors import UserError, shown

MARK = "<mask>"
"""What marks the slot for a decoder whose tokenizer has no mask token."""


def slot_mark(tokenizer, family: str) -> str:
    """The text that marks the slot: the tokenizer's mask token, or for some decoders MARK.

    Raises:
        UserError: an encoder's tokenizer has no mask token.
    """
    if tokenizer.mask_token is not None:
        return tokenizer.mask_token
    if family == "causal":
        return MARK
    raise UserError(
        "Expected a tokenizer with a mask token, as the end task has `reads: slot`, found one "
        "without; set `reads: first`."
    )


def require_slots(split: Split, mark: str) -> None:
    """Raise UserError if a text does not have the slot exactly once."""
    for number, text in enumerate(split.texts, start=1):
        count = text.count(mark)
        if count != 1:
            raise UserError(
                f"{split.file}, row {number}: expected {mark} once in the text, as the end task "
                f"has `reads: slot`, found it {count} times in {shown(text)}."
            )


def before_slot(split: Split, mark: str) -> list[str]:
    """What stands before the slot in each text, without the blanks there.

    Raises:
        UserError: a text has the slot not exactly once.
    """
    require_slots(split, mark)
    return [text.partition(mark)[0].rstrip() for text in split.texts]


def require_inside(split: Split, rows: list[list[int]], mask: int, longest: int) -> None:
    """Raise UserError if a text was cut before its slot, or its slot has become several tokens.

    rows: tokens of each text, at most `longest`. mask: the mask token.
    """
    for number, row in enumerate(rows, start=1):
        if row.count(mask) != 1:
            raise UserError(
                f"{split.file}, row {number}: expected the mask token among the first {longest} "
                f"tokens of the text, found it {row.count(mask)} times there; raise the end task's "
                "`max_length`, or set `reads: first`."
            )


def require_uncut(split: Split, rows: list[list[int]], longest: int) -> None:
    """Raise UserError if the tokens before a text's slot are more than `longest`."""
    for number, row in enumerate(rows, start=1):
        if len(row) > longest:
            raise UserError(
                f"{split.file}, row {number}: expected at most {longest} tokens before the slot, "
                f"found {len(row)}; raise the end task's `max_length`, or set `reads: first`."
            )
