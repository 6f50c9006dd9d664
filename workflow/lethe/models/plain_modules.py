"""Whether a network consists of stock modules that do nothing but what their class says."""

import torch
from torch import nn

STOCK = ("torch.nn.modules.", "transformers.")


def is_plain_float(model: nn.Module) -> bool:
    """Whether every module is a stock one without hooks, in float32 on a processor, no autocast.

    A pass that does not call the modules one by one may stand for theirs only then.
    """
    if torch.is_autocast_enabled("cpu"):
        return False
    return all(_is_plain(module) for module in model.modules()) and all(
        parameter.dtype == torch.float32 and parameter.device.type == "cpu"
        for parameter in model.parameters()
    )


def _is_plain(module: nn.Module) -> bool:
    hooks = (
        module._forward_hooks,
        module._forward_pre_hooks,
        module._backward_hooks,
        module._backward_pre_hooks,
    )
    replaced = "forward" in vars(module)
    return type(module).__module__.startswith(STOCK) and not replaced and not any(hooks)
