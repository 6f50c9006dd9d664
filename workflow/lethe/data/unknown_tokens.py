"""Texts that a tokenizer cannot write: how they are seen, and how they are told of."""

from typing import TypeVar

Token = TypeVar("Token", int, str)
NOT_WRITABLE = "the tokenizer has no token for a part of the texts, which cannot be learned"


def unknown_token(unknown: Token | None, end: Token | None) -> Token | None:
    """What stands for text without a token; None: the tokenizer can write every text.

    Args:
        unknown, end: the unknown token and the one that ends a text, as ids or names. Tokenizers
            of bytes give the same for both.
    """
    return None if unknown == end else unknown
