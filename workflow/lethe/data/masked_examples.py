"""Training examples of a masked language model: whole texts, of which every token may be masked."""

from collections.abc import Sequence

from lethe.data.examples import Example, PieceMaker, notes_of
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
        Example(
            str(row["id"]),
            source,
            _cut(tokens, max_length),
            0,
            notes=about,
            cut_text=max(0, len(tokens) - max_length),
        )
        for row, tokens, about in zip(rows, encoded, notes, strict=True)
    ]


def stream_tokens(texts: Sequence[str], tokenizer) -> list[list[int]]:
    """Tokens of texts that are joined, each between the tokenizer's special tokens."""
    return encode(tokenizer, texts)


def piece_maker(tokenizer, max_length: int) -> tuple[int, PieceMaker]:
    """The length of a piece of joined texts, and what makes an example of one."""
    return max_length, lambda name, source, tokens: Example(name, source, tokens, 0)


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
