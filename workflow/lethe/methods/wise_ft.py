"""WiSE-FT: a stage passes on the mean of its weights and earlier ones (Wortsman et al. 2022).

theta = (1 - alpha) theta_earlier + alpha theta_trained, once, after the last step; the next stage
begins there. theta_earlier is the parent's, or the base's. Training itself is plain. A LoRA adapter
that began at B = 0 adds s B A to the parent's weights, so the mean is s (alpha B) A. Memory: one
more copy of the trained parameters, for the parent's.
"""

import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.anchors import those_of_base, where_it_begins
from lethe.parametrisations.lora import TRAINED, factors


class WeightSpace(Method):
    """The mean, and the weights that enter it."""

    def __init__(self, alpha: float, toward: str):
        self.alpha, self.of_base = alpha, toward == "base"
        self.earlier: dict[str, torch.Tensor] = {}

    def before_stage(self, stage: Stage) -> None:
        if stage.parametrisation.settings.get("dora"):
            raise UserError(
                "WiSE-FT: expected an adapter that adds to the weights, found `dora: true`, which "
                "rescales them too; set it to false in the parametrisation."
            )
        if not self.of_base:
            self.earlier = where_it_begins(stage)

    @torch.no_grad()
    def after_stage(self, stage: Stage) -> None:
        if stage.parametrisation.kind == "lora":
            for part in factors(stage.model):
                if part.adapter == TRAINED:
                    part.up.mul_(self.alpha)
            return
        earlier = those_of_base(stage, "WiSE-FT") if self.of_base else self.earlier
        for name, p in stage.trainable():
            # At 0 and 1 lerp is exactly one of the two.
            p.copy_(torch.lerp(earlier[name], p, self.alpha))


METHOD = WeightSpace
