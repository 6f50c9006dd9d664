"""A tiny encoder with dropout and batches for it, for the tests of soft masks."""

import numpy as np
import torch
from masked_model import masked_model, masked_tokenizer
from small_nodes import sentence

from lethe.data.masked_batches import MaskedBatch, Masking, collate
from lethe.data.masked_examples import document_examples
from lethe.methods.contract import Stage
from lethe.models.forward import weighted_loss

DROPOUT = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
TOKENIZER = masked_tokenizer()
MASKING = Masking.of(TOKENIZER, 0.3)


def model_with_dropout(seed: int = 0, **changes):
    return masked_model(seed, **DROPOUT, **changes)


def examples(count: int = 6, seed: int = 0):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(3, 12, count)
    texts = [{"id": str(n), "text": sentence(generator, int(k))} for n, k in enumerate(lengths)]
    return document_examples(texts, "d", TOKENIZER, 40)


def lay_out(members, draw: int = 0) -> list[MaskedBatch]:
    settings = {"masking": MASKING, "seed": 3, "normalisation": "token", "pad_token": 1}
    return collate(members, draw=draw, **settings)


def batch_of(count: int = 6, seed: int = 0) -> MaskedBatch:
    (batch,) = lay_out(examples(count, seed))
    return batch


def stage_of(model, index: int = 1, family: str = "masked", count: int = 8) -> Stage:
    return Stage(
        model=model.train(),
        examples=examples(count),
        load_replayed=list,
        load_parent=lambda: model,
        collate=lay_out,
        plain_loss=weighted_loss,
        index=index,
        seed=5,
        steps=3,
        family=family,
    )


def importance_of(encoder, value: float = 0.0) -> dict[str, torch.Tensor]:
    return {place: torch.full(shape, value) for place, shape in encoder.shapes().items()}
