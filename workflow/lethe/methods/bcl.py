"""B-CL: gated adapters that share knowledge by capsules (Ke, Xu, Liu 2021, arXiv 2112.03271).

In every adapter, the task-specific module is the two gated maps of HAT-Adapter. Its input is the
states plus the output of a knowledge-sharing module: a semantic capsule for each domain so far,
routed in three iterations to transfer capsules and mapped back to the width.

Hard gates protect the gated maps, unit by unit, and a domain's semantic capsule, which no later
domain trains. The transfer matrices and the map back are shared and change. So, unlike in
HAT-Adapter, an earlier domain's outputs under its own gates change with the shared part (for better
or worse, as B-CL intends), and with nothing else.

As in HAT-Adapter, without a domain's identity (evaluations, end tasks) there are no gates; the
capsules of all domains take part. This follows the paper's outline; its full text was not
available. Our choices: one linear map per semantic capsule, positions routed one by one (the
released code needs a maximum length), as many transfer capsules as a capsule has numbers, the
softmax over them as in Sabour et al. 2017, and the initial values.
"""

import torch
from torch import nn

from lethe.data.draws import seed_of
from lethe.methods.contract import Stage
from lethe.methods.parts.adapters import new_adapters
from lethe.methods.parts.hard_attention.adapters import GatedAdapterMethod
from lethe.methods.parts.knowledge_sharing.sharing_adapter import (
    SharingAdapter,
    add_domains,
    freeze_domains,
    new_sharing,
)

# Purposes of random draws, besides the adapters' own.
BACK, CAPSULES = 1, 2


class Bcl(GatedAdapterMethod):
    """HAT-Adapter whose adapters share knowledge."""

    def __init__(self, capsule_size: int, transfer_capsules: int, iterations: int, **gated):
        super().__init__(**gated)
        self.shape = (capsule_size, transfer_capsules, iterations)

    def _new(self, model, seed: int) -> nn.ModuleDict:
        generator = torch.Generator().manual_seed(seed_of(seed, BACK))

        def make(width: int, bottleneck: int) -> SharingAdapter:
            return SharingAdapter(width, bottleneck, new_sharing(width, self.shape, generator))

        adapters = new_adapters(model, self.reduction, seed, make)
        first = f"{next(iter(adapters))}.sharing.semantic."
        domains = sum(name.startswith(first) and name.endswith(".weight") for name in self.saved)
        add_domains(adapters, domains, seed)  # the saved values replace these
        return adapters

    def _begin_domain(self, stage: Stage) -> None:
        freeze_domains(self.adapters)
        add_domains(self.adapters, 1, seed_of(stage.seed, CAPSULES, len(self.domains.earlier)))


METHOD = Bcl
