"""Whether a network consists of stock modules that do nothing but what their class says."""

import torch
from torch import nn

STOCK = ("torch.nn.modules.", "transformers.")


def is_plain_float(model: nn.Module) -> bool:
    """Whether every module is a stock one without hooks, in float32 on a processor, no autocast.

    A pass that does not call the modules one by one may stand for theirs only then. It is asked
    before every pass, so that it reads the modules' own tables: `modules()` takes half a
    millisecond for a small network.
    """
    if torch.is_autocast_enabled("cpu"):
        return False
    first = next(model.parameters())
    if first.dtype is not torch.float32 or not first.is_cpu:
        return False
    waiting = [model]
    while waiting:
        module = waiting.pop()
        if not _is_plain(module):
            return False
        waiting += [part for part in module._modules.values() if part is not None]
    return True


def _is_plain(module: nn.Module) -> bool:
    named = module.__dict__
    hooked = (
        named["_forward_hooks"]
        or named["_forward_pre_hooks"]
        or named["_backward_hooks"]
        or named["_backward_pre_hooks"]
    )
    return not hooked and "forward" not in named and type(module).__module__.startswith(STOCK)
