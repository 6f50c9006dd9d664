"""Texts to token numbers, many at once."""

from collections.abc import Sequence


def encode(tokenizer, texts: Sequence[str], special: bool = True) -> list[list[int]]:
    """Token ids of every text, neither padded nor cut.

    A fast tokenizer's own batch call is used: transformers' wrapping of it takes about as long as
    the work, and a base is trained on tens of thousands of short texts.

    Args:
        special: whether the special tokens that belong around a text are added.
    """
    texts = list(texts)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return tokenizer(texts, add_special_tokens=special)["input_ids"] if texts else []
    backend.no_padding()
    backend.no_truncation()
    found = backend.encode_batch_fast(texts, add_special_tokens=special)
    return [one.ids for one in found]
