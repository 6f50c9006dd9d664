"""What methods that train sets of adapters share."""

import torch
from torch import nn

from lethe.methods.contract import Method
from lethe.methods.parts.adapters import apply_adapters, like, load_sets, tensors_of


class AdapterMethod(Method):
    """Base of methods with sets of adapters; the sets are their state.

    Args:
        reduction: width of the network / bottleneck.
    """

    def __init__(self, reduction: int):
        self.reduction = reduction
        self.sets = nn.ModuleList()

    def use(self, model: nn.Module, adapters: nn.ModuleDict) -> nn.Module:
        """Attach a set to a network, as `extra` parameters that are tuned with it."""
        self.extra = like(adapters, model)
        apply_adapters(model, self.extra)
        return model

    def state(self) -> dict[str, torch.Tensor]:
        return tensors_of(self.sets)

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        load_sets(self.sets, state)
