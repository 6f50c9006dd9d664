"""Training examples of a masked language model: whole texts, of which every token may be masked."""

from collections.abc import Sequence

from lethe.data.examples import Example
from lethe.data.tokenizing import encode
from lethe.errors import UserError


def document_examples(
    rows: Sequence[dict], source: str, tokenizer, max_length: int
) -> list[Example]:
    """Texts between the tokenizer's special tokens, cut at `max_length` with the last one kept."""
    encoded = encode(tokenizer, [row["text"] for row in rows])
    return [
        Example(str(row["id"]), source, _cut(tokens, max_length), 0)
        for row, tokens in zip(rows, encoded, strict=True)
    ]


def _cut(tokens: list[int], max_length: int) -> tuple[int, ...]:
    if len(tokens) <= max_length:
        return tuple(tokens)
    return (*tokens[: max_length - 1], tokens[-1])


def instruction_examples(rows: Sequence[dict], source: str, *_) -> list[Example]:
    """Refused: a masked language model is trained on texts.

    Raises:
        UserError: always.
    """
    raise UserError(
        f"Task {source!r} has prompts and responses, which a masked language model is not trained "
        "on; give this model orders of tasks that have a `text`."
    )
