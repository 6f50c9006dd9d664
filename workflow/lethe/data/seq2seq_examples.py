"""One training example of an encoder-decoder, from a document or a prompt and its response.

The encoder is given exactly what lm-eval gives it: the prompt with the special tokens that the
tokenizer puts around a text, or, for an empty prompt, the one token that begins every text.
"""

import hashlib
from collections.abc import Sequence

from lethe.data.examples import Example

# Documents whose whole text is predicted from an empty source, as sentences are scored that have no
# context. The others are split in two at a random place, the decoder predicts the rest: the prefix
# objective of Raffel et al. 2020 (T5), section 3.3.1.
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
    prompts = tokenizer(texts, add_special_tokens=False)["input_ids"]
    responses = tokenizer([delimiter + row["response"] for row in rows], add_special_tokens=False)
    return [
        Example(
            str(row["id"]),
            source,
            tuple(response + [tokenizer.eos_token_id])[:max_length],
            0,
            encoder_tokens(prompt, tokenizer, max_length),
        )
        for row, prompt, response in zip(rows, prompts, responses["input_ids"], strict=True)
    ]


def document_examples(
    rows: Sequence[dict], source: str, tokenizer, max_length: int
) -> list[Example]:
    """Documents, predicted whole or from a prefix; a part is cut at `max_length` tokens."""
    encoded = tokenizer([row["text"] for row in rows], add_special_tokens=False)["input_ids"]
    made = []
    for row, tokens in zip(rows, encoded, strict=True):
        cut = split_place(str(row["id"]), len(tokens))
        rest = tuple(tokens[cut:] + [tokenizer.eos_token_id])[:max_length]
        prefix = encoder_tokens(tokens[:cut], tokenizer, max_length)
        made.append(Example(str(row["id"]), source, rest if tokens else (), 0, prefix))
    return made


def split_place(identity: str, length: int) -> int:
    """How many of a document's tokens the encoder is given: a function of the document's id."""
    drawn = hashlib.sha256(identity.encode()).digest()
    if length < 2 or drawn[0] < EMPTY_SOURCE_SHARE * 256:
        return 0
    return 1 + int.from_bytes(drawn[1:8], "big") % (length - 1)


def encoder_tokens(tokens: list[int], tokenizer, max_length: int) -> tuple[int, ...]:
    """Tokens without special ones, cut on the left, as the tokenizer would wrap their text."""
    head, tail = _around(tokenizer)
    room = max_length - len(head) - len(tail)
    kept = tokens[max(0, len(tokens) - room) :]
    wrapped = (*head, *kept, *tail)
    return wrapped or (first_token(tokenizer),)


def first_token(tokenizer) -> int:
    """What an encoder is given instead of an empty text: the beginning token, or the end token."""
    beginning = tokenizer.bos_token_id
    return tokenizer.eos_token_id if beginning is None else beginning


def _around(tokenizer) -> tuple[list[int], list[int]]:
    """The special tokens that the tokenizer puts before and after a text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    start = next(i for i in range(len(whole)) if whole[i : i + len(bare)] == bare)
    return whole[:start], whole[start + len(bare) :]
