"""Where a model is trained, and in which arithmetic: float32, or bfloat16 with float32 weights."""

from contextlib import AbstractContextManager, nullcontext

import torch

from lethe.models.parameter_bytes import FROZEN, TRAINING, USABLE_SHARE


def training_device() -> torch.device:
    """The first GPU that this process sees, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_draws(seed: int) -> None:
    """Make dropout from here on, on the CPU and on GPUs in use, a function of `seed`.

    `torch.manual_seed` also records the seed for devices that are not in use, each time with the
    whole call stack, which costs a small model a few percent of its step.
    """
    if torch.cuda.is_initialized():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def prepare(model: torch.nn.Module, recipe: dict) -> torch.nn.Module:
    """The model on its device, ready for training with the recipe.

    Weights are float32 for any `dtype` of the recipe: in bfloat16 an update at a rate of 2e-5 is
    mostly rounded away.
    """
    if recipe["recompute_activations"]:
        model.activation_checkpointing_enable()
    device = training_device()
    if device.type == "cuda" and torch.cuda.device_count() > 1:
        needed = sum(
            parameter.numel() * (TRAINING if parameter.requires_grad else FROZEN)
            for parameter in model.parameters()
        )
        if needed > USABLE_SHARE * torch.cuda.get_device_properties(device).total_memory:
            return _spread(model)
    return model.to(device)


def _spread(model: torch.nn.Module) -> torch.nn.Module:
    """The model with its layers spread evenly over all GPUs, for models too large for one."""
    from accelerate import dispatch_model, infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    undivided = {"no_split_module_classes": model._no_split_modules}
    memory = get_balanced_memory(model, **undivided)
    return dispatch_model(model, infer_auto_device_map(model, max_memory=memory, **undivided))


def arithmetic(recipe: dict) -> AbstractContextManager:
    """The context of the forward pass: autocast for `bfloat16`, nothing for `float32`."""
    if recipe["dtype"] == "float32":
        return nullcontext()
    return torch.autocast(training_device().type, dtype=getattr(torch, recipe["dtype"]))
