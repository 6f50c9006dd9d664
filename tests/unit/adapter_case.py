"""Batches, stages and nodes on which the tests of adapters and prompts stand."""

import torch
from masked_model import lay_out, masked_model, masked_stage, masked_tokenizer, publish_nodes, texts
from torch import nn

from lethe.data.masked_examples import document_examples
from lethe.methods.contract import Stage

TOKENIZER = masked_tokenizer()
HYPERS = {
    "adapter": {"reduction": 4},
    "prompt": {"tokens": 5},
    "demix": {"reduction": 4, "samples": 8},
}


def the_batch():
    (batch,) = lay_out(document_examples(texts(6, seed=9), "d", TOKENIZER, 38))
    return batch


def make_stage(model, index: int = 1) -> Stage:
    examples = document_examples(texts(8, seed=index), "d", TOKENIZER, 38)
    return masked_stage(model, examples, index=index)


def disturb(module: nn.Module, seed: int = 0, size: float = 0.3) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += size * torch.randn(parameter.shape, generator=generator)


def copied(state: dict) -> dict:
    return {name: value.clone() for name, value in state.items()}


def make_nodes(results):
    files = {"one.jsonl": texts(16), "two.jsonl": texts(16, seed=1)}
    publish_nodes(results, files, masked_model())
