"""Batches, stages and nodes on which the tests of adapters and prompts stand."""

import numpy as np
import torch
from masked_model import masked_model, masked_tokenizer
from small_nodes import sentence
from torch import nn

from lethe.artefacts import publish
from lethe.data.masked_batches import Masking, collate
from lethe.data.masked_examples import document_examples
from lethe.jsonlines import write_rows
from lethe.methods.contract import Stage
from lethe.models.forward import weighted_loss
from lethe.models.saving import save_model

TOKENIZER = masked_tokenizer()
HYPERS = {
    "adapter": {"reduction": 4},
    "prompt": {"tokens": 5},
    "demix": {"reduction": 4, "samples": 8},
}


def texts(count: int, seed: int = 0) -> list[dict]:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(2, 14, count)
    return [{"id": str(n), "text": sentence(generator, int(lengths[n]))} for n in range(count)]


def lay_out(examples, draw=0):
    masking = Masking.of(TOKENIZER, 0.3)
    return collate(examples, draw=draw, masking=masking, seed=3, normalisation="token", pad_token=1)


def the_batch():
    (batch,) = lay_out(document_examples(texts(6, seed=9), "d", TOKENIZER, 38))
    return batch


def make_stage(model, index: int = 1) -> Stage:
    return Stage(
        model=model,
        examples=document_examples(texts(8, seed=index), "d", TOKENIZER, 38),
        load_replayed=list,
        load_parent=lambda: model,
        collate=lay_out,
        plain_loss=weighted_loss,
        index=index,
        seed=0,
        steps=1,
        family="masked",
    )


def disturb(module: nn.Module, seed: int = 0, size: float = 0.3) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += size * torch.randn(parameter.shape, generator=generator)


def copied(state: dict) -> dict:
    return {name: value.clone() for name, value in state.items()}


def make_nodes(results):
    data = results / "data" / "data"
    write_rows(data / "one.jsonl", texts(16))
    write_rows(data / "two.jsonl", texts(16, seed=1))
    publish(data, "data.json", {}, ["one.jsonl", "two.jsonl"])
    base = results / "bases" / "base"
    publish(base, "base.json", {}, save_model(masked_model(), TOKENIZER, base))
