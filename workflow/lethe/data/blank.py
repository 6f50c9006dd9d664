"""How a text begins and ends: what a network is given to write one from nothing."""

from dataclasses import dataclass

from lethe.data.joining import beginning
from lethe.data.seq2seq_examples import nothing_given
from lethe.errors import UserError


@dataclass(frozen=True)
class Blank:
    """A text before its first token.

    Attributes:
        tokens: what a decoder reads before it; empty for an encoder-decoder, whose decoder begins
            with the model's own start token.
        encoder_tokens: an encoder-decoder's empty source; else empty.
        end: the token that ends a text.
        room: tokens of the longest text, those in `tokens` included.
    """

    tokens: tuple[int, ...]
    encoder_tokens: tuple[int, ...]
    end: int
    room: int


def blank_of(tokenizer, family: str, max_length: int) -> Blank:
    """The blank of a family's tokenizer.

    A decoder begins with the token that stands for an empty text, as in training on prompts without
    a token and in lm-eval; an encoder-decoder is given the empty source of whole documents.

    Raises:
        UserError: a masked language model, which gives texts no probability to draw them by.
    """
    if family == "masked":
        raise UserError("A masked language model cannot write texts; use a method for its family.")
    if family == "seq2seq":
        return Blank((), nothing_given(tokenizer, max_length), tokenizer.eos_token_id, max_length)
    return Blank((beginning(tokenizer),), (), tokenizer.eos_token_id, max_length)
