"""HAT: hard attention to the task on a masked language model's encoder (Serra et al. 2018).

Each domain learns gates a = sigmoid(s e) on units. s rises over the steps of the stage (in the
paper, of an epoch; the same for stages of one epoch). Gradients of weights are multiplied by
1 - min(a_l, a_{l-1}) of the cumulative masks, and a penalty counts newly used units.

`layers: ffn_attention` (HAT of Ke et al. 2023) gates attention heads and intermediate neurons; all
other parameters are trained freely. `layers: all` (HAT-All) gates output neurons too. Parameters
without a gate (embeddings, LayerNorm, head, the bias after the heads) are trained by the first
domain and then frozen: with hard gates, an earlier domain's outputs under its own gates never
change.

Gates need a domain's identity. Without it (evaluations, end tasks) the checkpoint is the whole
network without gates, as Ke et al. fine-tune it. The norm used for clipping includes the
embeddings' compensated gradients.
"""

import torch

from lethe.methods.contract import Stage
from lethe.methods.parts.hard_attention.adapters import GatedMethod
from lethe.methods.parts.hard_attention.places import (
    KINDS,
    Protection,
    free_shares,
    gate_units,
    unit_sizes,
)


class Hat(GatedMethod):
    """Gates on the encoder's own units."""

    def __init__(self, layers: str, **settings):
        super().__init__(**settings)
        self.layers = layers

    def before_stage(self, stage: Stage) -> None:
        kinds = KINDS[self.layers]
        self.extra = self.domains.begin(unit_sizes(stage.model, kinds), stage)
        self.hooks = gate_units(stage.model, self.domains.gates, kinds)
        if not self.domains.earlier:
            return
        shares = free_shares(stage.model, self.domains.used)
        if self.layers == "all":
            for name, parameter in stage.model.named_parameters():
                parameter.requires_grad_(name in shares)
        self.protection = Protection(dict(stage.model.named_parameters()), shares)

    def state(self) -> dict[str, torch.Tensor]:
        return self.domains.state()

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        self.domains.load(state)


METHOD = Hat
