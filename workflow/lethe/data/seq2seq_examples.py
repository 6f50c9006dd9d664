"""One training example of an encoder-decoder, from a document or a prompt and its response.

The encoder is given exactly what lm-eval gives it: the prompt with the special tokens that the
tokenizer puts around a text, or, for an empty prompt, the one token that begins every text.
"""

import hashlib
from collections.abc import Sequence

from lethe.data.examples import Example, notes_of
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
    return [
        Example(
            str(row["id"]),
            source,
            tuple(target + [tokenizer.eos_token_id])[:max_length],
            0,
            given,
            of_prompt | of_response,
        )
        for row, given, target, (of_prompt, of_response) in zip(
            rows, _given(tokenizer, sources, max_length), targets, notes, strict=True
        )
    ]


def document_examples(
    rows: Sequence[dict], source: str, tokenizer, max_length: int
) -> list[Example]:
    """Documents, predicted whole or from a prefix; a part is cut at `max_length` tokens."""
    texts = [row["text"] for row in rows]
    encoded = encode(tokenizer, texts, special=False)
    notes = notes_of(tokenizer, texts, encoded)
    cuts = [
        split_place(str(row["id"]), len(tokens)) for row, tokens in zip(rows, encoded, strict=True)
    ]
    prefixes = [tokens[:cut] for tokens, cut in zip(encoded, cuts, strict=True)]
    examples = []
    for row, tokens, cut, given, about in zip(
        rows, encoded, cuts, _given(tokenizer, prefixes, max_length), notes, strict=True
    ):
        rest = tuple(tokens[cut:] + [tokenizer.eos_token_id])[:max_length]
        examples.append(Example(str(row["id"]), source, rest if tokens else (), 0, given, about))
    return examples


def split_place(identity: str, length: int) -> int:
    """How many of a document's tokens the encoder is given: a function of the document's id."""
    drawn = hashlib.sha256(identity.encode()).digest()
    if length < 2 or drawn[0] < EMPTY_SOURCE_SHARE * 256:
        return 0
    return 1 + int.from_bytes(drawn[1:8], "big") % (length - 1)


def _given(tokenizer, texts: list[list[int]], max_length: int) -> list[tuple[int, ...]]:
    """What the encoder is given: texts cut on the left, between their special tokens.

    Without any, an empty text becomes the token that begins a text: an encoder needs at least one.
    """
    around = special_tokens(tokenizer)
    empty = (beginning(tokenizer),)
    room = max_length - len(around.head) - len(around.tail)
    return [
        (*around.head, *tokens[max(0, len(tokens) - room) :], *around.tail) or empty
        for tokens in texts
    ]
