"""Bottleneck adapters with gates on both of their layers (HAT-Adapter of Ke et al. 2023)."""

import torch
from torch import nn
from torch.nn.functional import gelu

from lethe.hard_attention.gates import Vectors, free_weight
from lethe.hard_attention.places import layers_of

# Adapters come after these linear modules of a layer.
SPOTS = ("attention_output", "output")
# Standard deviation of a new adapter's first layer; its second starts at zero, so that a new
# adapter changes nothing.
INITIAL_DEVIATION = 0.02


class Adapter(nn.Module):
    """x + up(gelu(down(x))), each layer's units multiplied by a gate where gates are given."""

    def __init__(self, width: int, bottleneck: int, generator: torch.Generator):
        super().__init__()
        self.down = nn.Linear(width, bottleneck)
        self.up = nn.Linear(bottleneck, width)
        nn.init.normal_(self.down.weight, std=INITIAL_DEVIATION, generator=generator)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zero)

    def forward(self, hidden, down_gate=1.0, up_gate=1.0):
        """[..., width] -> [..., width]."""
        return hidden + self.up(gelu(self.down(hidden)) * down_gate) * up_gate


def bottleneck_of(width: int, reduction: int) -> int:
    """Units of a bottleneck: width / reduction, at least 4."""
    return max(4, width // reduction)


def build_adapters(model, reduction: int, seed: int = 0) -> nn.ModuleDict:
    """One new adapter for every spot of every layer, by name."""
    width = model.config.hidden_size
    generator = torch.Generator().manual_seed(seed)
    return nn.ModuleDict(
        {
            layer.place(spot): Adapter(width, bottleneck_of(width, reduction), generator)
            for layer in layers_of(model)
            for spot in SPOTS
        }
    )


def adapter_sizes(adapters: nn.ModuleDict) -> dict[str, int]:
    """Number of gated units by place, `ADAPTER_down` and `ADAPTER_up`."""
    return {
        f"{name}_{part}": getattr(adapter, part).out_features
        for name, adapter in adapters.items()
        for part in ("down", "up")
    }


def insert(model, adapters: nn.ModuleDict, gates: Vectors | None) -> list:
    """Put the adapters behind their modules by hooks, with gates read at every pass or without.

    Returns:
        The handles of the hooks, whose `remove` takes the adapters away.
    """

    def hook_of(name: str):
        def hook(module, inputs, output):
            if not gates:
                return adapters[name](output)
            found = (gates[f"{name}_{part}"].to(output.dtype) for part in ("down", "up"))
            return adapters[name](output, *found)

        return hook

    return [
        layer.modules[spot].register_forward_hook(hook_of(layer.place(spot)))
        for layer in layers_of(model)
        for spot in SPOTS
    ]


def adapter_shares(adapters: nn.ModuleDict, used: Vectors) -> dict[str, torch.Tensor]:
    """Factors of the gradients of all adapter parameters, by their names in `adapters`."""
    shares = {}
    for name, adapter in adapters.items():
        down, up = used[f"{name}_down"], used[f"{name}_up"]
        shares[f"{name}.down.weight"] = free_weight(down, None, adapter.down.weight.shape)
        shares[f"{name}.up.weight"] = free_weight(up, down, adapter.up.weight.shape)
        shares |= {f"{name}.down.bias": 1 - down, f"{name}.up.bias": 1 - up}
    return shares
