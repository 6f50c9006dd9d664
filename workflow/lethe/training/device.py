"""Where a model is trained, and in which arithmetic: float32, or bfloat16 over float32 weights."""

from contextlib import AbstractContextManager, nullcontext

import torch


def training_device() -> torch.device:
    """The first GPU that this process sees, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def prepare(model: torch.nn.Module, recipe: dict) -> torch.nn.Module:
    """The model on its device, ready to be trained as the recipe says.

    Weights are float32 whatever the recipe's `dtype`: in bfloat16 an update at a rate of 2e-5 is
    mostly rounded away.
    """
    if recipe["recompute_activations"]:
        model.activation_checkpointing_enable()
    return model.to(training_device())


def arithmetic(recipe: dict) -> AbstractContextManager:
    """What the forward pass runs in: autocast for `bfloat16`, nothing for `float32`."""
    if recipe["dtype"] == "float32":
        return nullcontext()
    return torch.autocast(training_device().type, dtype=getattr(torch, recipe["dtype"]))
