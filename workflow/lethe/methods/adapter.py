"""One set of bottleneck adapters, trained one domain after another; the network is frozen.

Houlsby et al. 2019, "Parameter-efficient transfer learning for NLP", section 2.1. In Ke et al.
2023 this is NCL-Adapter, and DAP-Adapter for an order of a single domain. Simplified: layer
normalisations stay frozen, so that the network beneath stays bit-identical.
"""

from torch import nn

from lethe.adapters import apply_adapters, like, load_sets, new_adapters, tensors_of
from lethe.methods.contract import Method, Stage
from lethe.training.loop import seed_of


class SharedAdapter(Method):
    """Args:
    reduction: width of the network / bottleneck; 16 in Ke et al. 2023.
    """

    def __init__(self, reduction: int = 16):
        self.reduction = reduction
        self.sets = nn.ModuleList()

    def before_stage(self, stage: Stage) -> None:
        stage.model.requires_grad_(False)
        if not len(self.sets):
            seed = seed_of(stage.seed, stage.index)
            self.sets.append(new_adapters(stage.model, self.reduction, seed))
        self.attach(stage.model)

    def attach(self, model: nn.Module) -> nn.Module:
        self.extra = like(self.sets[0], model)
        apply_adapters(model, self.extra)
        return model

    def state(self) -> dict:
        return tensors_of(self.sets)

    def load_state(self, state: dict) -> None:
        load_sets(self.sets, state)


METHOD = SharedAdapter
