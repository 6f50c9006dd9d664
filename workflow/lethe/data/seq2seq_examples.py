"""One training example of an encoder-decoder, from a document or a prompt and its response.

The encoder is given exactly what lm-eval gives it: the prompt with the special tokens that the
tokenizer puts around a text, or, for an empty prompt, the one token that begins every text.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from lethe.data.examples import SPECIAL, Example, PieceMaker, notes_of
from lethe.data.joining import beginning, encode, special_tokens
from lethe.parameters.prompt_templates import wrapped

# Share of documents predicted whole from an empty source, which is how sentences without context
# are scored. The others are split in two at a random place and the decoder predicts the second
# part: the prefix objective of Raffel et al. 2020 (T5), section 3.3.1.
EMPTY_SOURCE_SHARE = 0.5


def instruction_examples(
    rows: Sequence[dict],
    source: str,
    tokenizer,
    max_length: int,
    template: str,
    delimiter: str = " ",
) -> list[Example]:
    """Prompts for the encoder; responses and the end token for the decoder.

    Both are at most `max_length` tokens: a prompt is cut on its left, a response at its end.
    """
    prompts = [wrapped(template, row["prompt"]) for row in rows]
    responses = [delimiter + row["response"] for row in rows]
    sources = encode(tokenizer, prompts, special=False)
    targets = encode(tokenizer, responses, special=False)
    notes = zip(
        notes_of(tokenizer, prompts, sources), notes_of(tokenizer, responses, targets), strict=True
    )
    encoder = _Encoder(tokenizer, max_length)
    return [
        Example(
            str(row["id"]),
            source,
            tuple(target + [tokenizer.eos_token_id])[:max_length],
            0,
            encoder.given(prompt),
            of_prompt - {SPECIAL} | of_response,
            encoder.left_out(prompt),
            max(0, len(target) + 1 - max_length),
        )
        for row, prompt, target, (of_prompt, of_response) in zip(
            rows, sources, targets, notes, strict=True
        )
    ]


def document_examples(
    rows: Sequence[dict], source: str, tokenizer, max_length: int
) -> list[Example]:
    """Documents, predicted whole or from a prefix; a part is cut at `max_length` tokens."""
    texts = [row["text"] for row in rows]
    encoded = encode(tokenizer, texts, special=False)
    notes = notes_of(tokenizer, texts, encoded)
    encoder, end = _Encoder(tokenizer, max_length), tokenizer.eos_token_id
    examples = []
    for row, tokens, about in zip(rows, encoded, notes, strict=True):
        place = split_place(str(row["id"]), len(tokens))
        prefix, rest = tokens[:place], [*tokens[place:], end] if tokens else []
        left_out = encoder.left_out(prefix) + max(0, len(rest) - max_length)
        found = Example(
            str(row["id"]), source, tuple(rest[:max_length]), 0, encoder.given(prefix), about
        )
        examples.append(replace(found, cut_text=left_out))
    return examples


def split_place(identity: str, length: int) -> int:
    """How many of a document's tokens the encoder is given: a function of the document's id."""
    drawn = hashlib.sha256(identity.encode()).digest()
    if length < 2 or drawn[0] < EMPTY_SOURCE_SHARE * 256:
        return 0
    return 1 + int.from_bytes(drawn[1:8], "big") % (length - 1)


def nothing_given(tokenizer, max_length: int) -> tuple[int, ...]:
    """What the encoder is given of an empty source."""
    return _Encoder(tokenizer, max_length).given(())


class _Encoder:
    """What the encoder is given of a text: its tokens, cut on the left, between special tokens.

    Without any, an empty text becomes the token that begins a text: an encoder needs at least one.

    Attributes:
        room: how many tokens of a text it is given at most.
    """

    def __init__(self, tokenizer, max_length: int):
        self.around = special_tokens(tokenizer)
        self.empty = (beginning(tokenizer),)
        self.room = max_length - len(self.around.head) - len(self.around.tail)

    def given(self, tokens: Sequence[int]) -> tuple[int, ...]:
        kept = tokens[self.left_out(tokens) :]
        return (*self.around.head, *kept, *self.around.tail) or self.empty

    def left_out(self, tokens: Sequence[int]) -> int:
        return max(0, len(tokens) - self.room)


def stream_tokens(texts: Sequence[str], tokenizer) -> list[list[int]]:
    """Tokens of texts that are joined, with the end token after each."""
    encoded = encode(tokenizer, texts, special=False)
    return [[*tokens, tokenizer.eos_token_id] for tokens in encoded]


def piece_maker(tokenizer, max_length: int) -> tuple[int, PieceMaker]:
    """The length of a piece of joined texts, and what makes an example of one.

    A piece is predicted whole or from a prefix, as a document is. Either side has room for it.
    """
    encoder = _Encoder(tokenizer, max_length)

    def make(name: str, source: str, tokens: tuple[int, ...]) -> Example:
        cut = split_place(name, len(tokens))
        return Example(name, source, tokens[cut:], 0, encoder.given(tokens[:cut]))

    return encoder.room, make
