"""Training examples of a masked language model: whole texts, of which every token may be masked."""

from collections.abc import Sequence

from lethe.data.examples import Example, notes_of
from lethe.data.joining import encode
from lethe.errors import UserError


def document_examples(
    rows: Sequence[dict], source: str, tokenizer, max_length: int
) -> list[Example]:
    """Texts between the tokenizer's special tokens, cut at `max_length` with the last one kept."""
    texts = [row["text"] for row in rows]
    encoded = encode(tokenizer, texts)
    notes = notes_of(tokenizer, texts, encoded)
    return [
        Example(str(row["id"]), source, _cut(tokens, max_length), 0, notes=about)
        for row, tokens, about in zip(rows, encoded, notes, strict=True)
    ]


def joined_examples(rows: Sequence[dict], source: str, tokenizer, max_length: int) -> list[Example]:
    """Texts with their special tokens, joined and cut into pieces of `max_length` tokens.

    A piece may span several texts, as in Ke et al. 2023. A shorter last piece is dropped, unless
    it is the only one.
    """
    encoded = encode(tokenizer, [row["text"] for row in rows])
    stream = [token for tokens in encoded for token in tokens]
    ends = range(max_length, len(stream) + 1, max_length) or [len(stream)]
    return [
        Example(f"{source}-{number}", source, tuple(stream[max(0, end - max_length) : end]), 0)
        for number, end in enumerate(ends, start=1)
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
        f"Task {source!r} has prompts and responses, but a masked language model is trained on "
        "texts; give this model orders whose tasks have a `text`."
    )
