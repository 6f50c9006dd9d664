"""Texts of an end task as tokens, whole or up to where the classifier reads."""

from collections.abc import Sequence

from lethe.data.joining import begun
from lethe.endtasks.labelled import Split
from lethe.endtasks.slot import (
    before_slot,
    require_inside,
    require_slots,
    require_uncut,
    slot_mark,
)
from lethe.errors import UserError


def split_rows(
    tokenizer, split: Split, longest: int, family: str, reads: str = "first"
) -> list[list[int]]:
    """Tokens of a split's texts, as `token_rows`; with `reads: slot` each with its slot.

    Raises:
        UserError: a text without tokens, or without its slot.
    """
    if reads == "first":
        return token_rows(tokenizer, split.texts, longest, family)
    mark = slot_mark(tokenizer, family)
    if family == "masked":
        require_slots(split, mark)
        rows = token_rows(tokenizer, split.texts, longest, family)
        require_inside(split, rows, tokenizer.mask_token_id, longest)
        return rows
    rows = token_rows(tokenizer, before_slot(split, mark), longest + 1, family)
    require_uncut(split, rows, longest)
    return rows


def token_rows(tokenizer, texts: Sequence[str], longest: int, family: str) -> list[list[int]]:
    """Tokens of every text, at most `longest`.

    An encoder gets what its tokenizer makes of a text. A decoder gets what its stages begin a text
    with and no end token, so that the last token, which the classifier reads, is the text's own.

    Raises:
        UserError: a text without tokens.
    """
    if family == "masked":
        encoded = tokenizer(list(texts), truncation=True, max_length=longest)
        return encoded["input_ids"]
    rows = [tokens[:longest] for tokens in begun(tokenizer, texts)]
    if not all(rows):
        raise UserError(
            "Expected end-task texts with at least one token, found an empty one: the tokenizer "
            "begins texts with no token of its own; remove that text from the end task's files."
        )
    return rows
