"""One set of adapters per domain; a new set starts as a copy of the one that fits its texts best.

Gururangan et al. 2021, "DEMix layers", as Ke et al. 2023 use it for adapters: the earlier domains'
set with the lowest perplexity on the new domain's texts is copied, and only the copy is trained.
Simplified: experts are adapters (Houlsby et al. 2019) instead of
whole feed-forward layers. An evaluation, which does not know the domain, uses the last expert or
the mean of all their parameters instead of mixing their predictions.
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from lethe.data.draws import seed_of
from lethe.data.examples import Example
from lethe.methods.contract import Stage
from lethe.methods.parts.adapter_method import AdapterMethod
from lethe.methods.parts.adapters import apply_adapters, like, mean_of, new_adapters

AT_ONCE = 32  # examples in a forward pass; it changes memory, not the choice


def sample(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """At most `count` examples, drawn without replacement."""
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(len(examples))[:count]
    return [examples[int(index)] for index in chosen]


@torch.no_grad()
def loss_with(stage: Stage, adapters: nn.ModuleDict, examples: list[Example]) -> float:
    """Loss of the network with a set of adapters, in nats per label: the log of its perplexity.

    Every set sees the same masks (draw 0). Dropout is off, and the network is left unchanged.
    """
    model, total, labels = stage.model, 0.0, 0
    training = model.training
    handles = apply_adapters(model, adapters)
    model.eval()
    for start in range(0, len(examples), AT_ONCE):
        batches = stage.collate(examples[start : start + AT_ONCE])
        count = sum(len(batch.targets) for batch in batches)
        total += count * sum(float(stage.plain_loss(model, batch)) for batch in batches)
        labels += count
    model.train(training)
    for handle in handles:
        handle.remove()
    return total / labels


class Demix(AdapterMethod):
    """Only the newest set is trained."""

    needs_identity = True

    def __init__(self, reduction: int, samples: int, expert: str):
        super().__init__(reduction)
        self.samples, self.expert = samples, expert

    def before_stage(self, stage: Stage) -> None:
        stage.model.requires_grad_(False)
        like(self.sets, stage.model).requires_grad_(False)
        seed = seed_of(stage.seed, stage.index)
        if len(self.sets):
            trial = sample(stage.examples, self.samples, seed)
            sets = stage.counted(self.sets, len(self.sets), "expert that is tried")
            losses = [loss_with(stage, adapters, trial) for adapters in sets]
            self.sets.append(copy.deepcopy(self.sets[int(np.argmin(losses))]))
        else:
            self.sets.append(new_adapters(stage.model, self.reduction, seed))
        self.sets[-1].requires_grad_(True)
        self.extra = self.sets
        apply_adapters(stage.model, self.sets[-1])

    def attach(self, model: nn.Module) -> nn.Module:
        expert = self.sets[-1] if self.expert == "last" else mean_of(list(self.sets))
        return self.use(model, expert)


METHOD = Demix
