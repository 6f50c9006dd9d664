"""One training example of an encoder-decoder, from a document or a prompt and its response.

The encoder is given exactly what lm-eval gives it: the prompt with the special tokens that the
tokenizer puts around a text, or, for an empty prompt, the one token that begins every text.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lethe.data.examples import Example, PieceMaker, encode

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
    texts = [template.format(prompt=row["prompt"]) for row in rows]
    prompts = encode(tokenizer, texts, special=False)
    texts = [delimiter + row["response"] for row in rows]
    responses = encode(tokenizer, texts, special=False)
    around = special_tokens(tokenizer)
    return [
        Example(
            str(row["id"]),
            source,
            tuple(response + [tokenizer.eos_token_id])[:max_length],
            0,
            encoder_tokens(prompt, around, max_length),
            cut_prompt=max(0, len(prompt) - around.room(max_length)),
            cut_text=max(0, len(response) + 1 - max_length),
        )
        for row, prompt, response in zip(rows, prompts, responses, strict=True)
    ]


def document_examples(
    rows: Sequence[dict], source: str, tokenizer, max_length: int
) -> list[Example]:
    """Documents, predicted whole or from a prefix; a part is cut at `max_length` tokens."""
    encoded = encode(tokenizer, [row["text"] for row in rows], special=False)
    around = special_tokens(tokenizer)
    examples = []
    for row, tokens in zip(rows, encoded, strict=True):
        cut = split_place(str(row["id"]), len(tokens))
        rest = tuple(tokens[cut:] + [tokenizer.eos_token_id])[:max_length]
        prefix = encoder_tokens(tokens[:cut], around, max_length)
        left_out = max(0, len(tokens) - cut + 1 - max_length)
        left_out += max(0, cut - around.room(max_length))
        found = Example(str(row["id"]), source, rest if tokens else (), 0, prefix)
        examples.append(replace(found, cut_text=left_out))
    return examples


def stream_tokens(texts: Sequence[str], tokenizer) -> list[list[int]]:
    """Tokens of texts that are joined, with the end token after each."""
    encoded = encode(tokenizer, texts, special=False)
    return [[*tokens, tokenizer.eos_token_id] for tokens in encoded]


def piece_maker(tokenizer, max_length: int) -> tuple[int, PieceMaker]:
    """The length of a piece of joined texts, and what makes an example of one.

    A piece is predicted whole or from a prefix, as a document is. Either side has room for it.
    """
    around = special_tokens(tokenizer)

    def make(name: str, source: str, tokens: tuple[int, ...]) -> Example:
        cut = split_place(name, len(tokens))
        prefix = encoder_tokens(list(tokens[:cut]), around, max_length)
        return Example(name, source, tokens[cut:], 0, prefix)

    return around.room(max_length), make


def split_place(identity: str, length: int) -> int:
    """How many of a document's tokens the encoder is given: a function of the document's id."""
    drawn = hashlib.sha256(identity.encode()).digest()
    if length < 2 or drawn[0] < EMPTY_SOURCE_SHARE * 256:
        return 0
    return 1 + int.from_bytes(drawn[1:8], "big") % (length - 1)


@dataclass(frozen=True)
class Around:
    """What a tokenizer puts before and after a text, and what stands for an empty one."""

    head: tuple[int, ...]
    tail: tuple[int, ...]
    empty: tuple[int, ...]

    def room(self, max_length: int) -> int:
        """How many tokens of a text have room between them."""
        return max_length - len(self.head) - len(self.tail)


def encoder_tokens(tokens: list[int], around: Around, max_length: int) -> tuple[int, ...]:
    """A text's tokens, cut on the left, between its special tokens."""
    kept = tokens[max(0, len(tokens) - around.room(max_length)) :]
    return (*around.head, *kept, *around.tail) or around.empty


def special_tokens(tokenizer) -> Around:
    """The special tokens that a tokenizer puts around a text, found by encoding one.

    Without any, an empty text becomes the beginning token, or else the end token: an encoder
    needs at least one token, and lm-eval gives it this one.
    """
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    wrapped = tokenizer("a")["input_ids"]
    start = next(i for i in range(len(wrapped)) if wrapped[i : i + len(bare)] == bare)
    beginning = tokenizer.bos_token_id
    alone = tokenizer.eos_token_id if beginning is None else beginning
    return Around(tuple(wrapped[:start]), tuple(wrapped[start + len(bare) :]), (alone,))
