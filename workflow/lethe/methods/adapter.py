"""One set of bottleneck adapters, trained one domain after another; the network is frozen.

Houlsby et al. 2019, "Parameter-efficient transfer learning for NLP", section 2.1. In Ke et al.
2023 this is NCL-Adapter, and DAP-Adapter for an order of a single domain. Simplified: layer
normalisations stay frozen, so the underlying network stays bit-identical.
"""

from torch import nn

from lethe.data.draws import seed_of
from lethe.methods.contract import Stage
from lethe.methods.parts.adapter_method import AdapterMethod
from lethe.methods.parts.adapters import new_adapters


class SharedAdapter(AdapterMethod):
    """One set of adapters that every stage trains further."""

    def before_stage(self, stage: Stage) -> None:
        stage.model.requires_grad_(False)
        if not len(self.sets):
            seed = seed_of(stage.seed, stage.index)
            self.sets.append(new_adapters(stage.model, self.reduction, seed))
        self.attach(stage.model)

    def attach(self, model: nn.Module) -> nn.Module:
        return self.use(model, self.sets[0])


METHOD = SharedAdapter
