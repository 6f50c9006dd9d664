"""PEFT's LoRA within layers that are one operation: W + s B A as a weight, made for every pass.

PEFT adds s B A x to W x, with five operations a projection. A network of width 64 spends its time
between operations, and one sum of weights is cheaper; the gradient of W + s B A, which A's and B's
are made of, is one that PEFT does without, so that wide layers are better left to it. Values and
gradients are equal up to rounding. Hu et al. 2021, "LoRA", Eq. 3.
"""

import torch
from torch import nn

LARGEST = 2**16
"""Numbers in the widest projection whose weight is summed, 256 x 256."""


def is_lora(module: nn.Module) -> bool:
    """Whether a module is PEFT's linear layer with adapters; PEFT is not imported for that."""
    kind = type(module)
    return kind.__name__ == "Linear" and kind.__module__ == "peft.tuners.lora.layer"


def is_foldable(module: nn.Module) -> bool:
    """Whether what a layer with adapters computes is a product with W + s B A and no more.

    Dropout before A, DoRA, a bias of B and adapters that are merged or switched off are not.
    """
    if module.disable_adapters or module.merged_adapters or module.lora_variant:
        return False
    if module.fan_in_fan_out or module.base_layer.weight.numel() > LARGEST:
        return False
    return not (
        any(module.lora_bias.values())
        or any(getattr(part, "p", 0.0) for part in module.lora_dropout.values())
    )


def parts_of(module: nn.Module) -> list[nn.Module]:
    """The linear layers within a layer with adapters."""
    return [module.base_layer, *module.lora_A.values(), *module.lora_B.values()]


def weight_of(module: nn.Module) -> torch.Tensor:
    """A module's weight, with the adapters that are on it [out, in]."""
    if not is_lora(module):
        return module.weight
    weight = module.base_layer.weight
    for name in module.active_adapters:
        if name in module.lora_A:
            down, up = module.lora_A[name].weight, module.lora_B[name].weight
            weight = torch.addmm(weight, up, down, alpha=module.scaling[name])
    return weight
