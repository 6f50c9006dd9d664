"""A tiny encoder with dropout and batches for it, for the tests of soft masks."""

import numpy as np
import torch
from masked_model import lay_out, masked_model, masked_stage, masked_tokenizer
from small_nodes import sentence

from lethe.data.masked_batches import MaskedBatch
from lethe.data.masked_examples import document_examples
from lethe.methods.contract import Stage

DROPOUT = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
TOKENIZER = masked_tokenizer()


def model_with_dropout(seed: int = 0, **changes):
    return masked_model(seed, **DROPOUT, **changes)


def examples(count: int = 6, seed: int = 0):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(3, 12, count)
    texts = [{"id": str(n), "text": sentence(generator, int(k))} for n, k in enumerate(lengths)]
    return document_examples(texts, "d", TOKENIZER, 40)


def batch_of(count: int = 6, seed: int = 0) -> MaskedBatch:
    (batch,) = lay_out(examples(count, seed))
    return batch


def stage_of(model, index: int = 1, family: str = "masked", count: int = 8) -> Stage:
    changes = {"index": index, "family": family, "seed": 5, "steps": 3}
    return masked_stage(model.train(), examples(count), **changes)


def importance_of(encoder, value: float = 0.0) -> dict[str, torch.Tensor]:
    return {place: torch.full(shape, value) for place, shape in encoder.shapes().items()}
