"""Networks of stock modules alone, for which a pass of our own may stand; and its operations."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from lethe.models.folded_lora import is_foldable, is_lora, parts_of

STOCK = ("torch.nn.modules.", "transformers.")


def is_plain_float(model: nn.Module, *called: nn.Module) -> bool:
    """Whether every module is a stock one without hooks, in float32 on a processor, no autocast.

    A linear layer with LoRA counts as one if its weight can be summed (`folded_lora.py`).

    A pass that does not call the modules one by one may stand for theirs only then. It is asked
    before every pass, so that it reads the modules' own tables: `modules()` takes half a
    millisecond for a small network.

    Args:
        called: modules that the pass does call; what they hold may be of any kind.
    """
    if torch.is_autocast_enabled("cpu"):
        return False
    first = next(model.parameters())
    if first.dtype is not torch.float32 or not first.is_cpu:
        return False
    waiting = [model]
    while waiting:
        module = waiting.pop()
        if module in called:
            continue
        if is_lora(module):
            if _is_hooked(module) or not is_foldable(module):
                return False
            waiting += parts_of(module)
            continue
        if _is_hooked(module) or not type(module).__module__.startswith(STOCK):
            return False
        waiting += [part for part in module._modules.values() if part is not None]
    return True


def operation_of(layer: nn.Module, operation: Callable) -> Callable:
    """What computes a layer: the operation, again in the backward pass if the layer asks for it."""
    if getattr(layer, "gradient_checkpointing", False) and torch.is_grad_enabled():
        return partial(checkpoint, operation, use_reentrant=False)
    return operation


def _is_hooked(module: nn.Module) -> bool:
    named = module.__dict__
    return bool(
        named["_forward_hooks"]
        or named["_forward_pre_hooks"]
        or named["_backward_hooks"]
        or named["_backward_pre_hooks"]
        or "forward" in named
    )
