"""WiSE-FT: a stage passes on the mean of its weights and earlier ones (Wortsman et al. 2022).

theta = (1 - alpha) theta_earlier + alpha theta_trained, once, after the last step; the next stage
begins there. theta_earlier is the parent's, or the base's. Training itself is plain. Memory: one
more copy of the trained parameters, for the parent's.
"""

import torch

from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.anchors import those_of_base, where_it_begins


class WeightSpace(Method):
    """The mean, and the weights that enter it."""

    def __init__(self, alpha: float, toward: str):
        self.alpha, self.of_base = alpha, toward == "base"
        self.earlier: dict[str, torch.Tensor] = {}

    def before_stage(self, stage: Stage) -> None:
        if not self.of_base:
            self.earlier = where_it_begins(stage)

    @torch.no_grad()
    def after_stage(self, stage: Stage) -> None:
        earlier = those_of_base(stage, "WiSE-FT") if self.of_base else self.earlier
        for name, p in stage.trainable():
            # At 0 and 1 lerp is exactly one of the two.
            p.copy_(torch.lerp(earlier[name], p, self.alpha))


METHOD = WeightSpace
