"""A small random T5 and examples for it, for the tests of the encoder-decoder family."""

import numpy as np
from small_nodes import make_tokenizer, sentence

from lethe.data.encoding import encode_rows
from lethe.models.architectures import build

CONFIG = {
    "d_model": 16,
    "d_kv": 8,
    "d_ff": 32,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 2,
    "dropout_rate": 0.0,
    # Few buckets, so that the short texts of the tests fall into many of them.
    "relative_attention_num_buckets": 12,
    "relative_attention_max_distance": 16,
}


def make_model(architecture: str = "t5", **changes):
    """A T5 whose tokens depend on each other strongly enough for a test to see it."""
    return build(architecture, {**CONFIG, **changes}, make_tokenizer(), seed=3)


def some_rows(count: int = 9) -> tuple[list[dict], list[dict]]:
    """Instructions and documents of different lengths."""
    generator = np.random.default_rng(5)
    lengths = generator.integers(1, 9, (count, 2))
    instructions = [
        {"id": f"q{n}", "prompt": sentence(generator, a), "response": sentence(generator, b)}
        for n, (a, b) in enumerate(lengths)
    ]
    documents = [
        {"id": f"d{n}", "text": sentence(generator, a + b)} for n, (a, b) in enumerate(lengths)
    ]
    return instructions, documents


def some_examples(count: int = 9, max_length: int = 24):
    """Training examples of both kinds."""
    tokenizer = make_tokenizer()
    made = []
    for rows in some_rows(count):
        made += encode_rows(rows, "t", tokenizer, max_length, "{prompt}", "seq2seq")
    return made
