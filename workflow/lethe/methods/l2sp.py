"""L2-SP: all weights stay near those that the stage began with (Li, Grandvalet & Davoine 2018).

L = L_stage + strength/2 ||theta - theta_start||^2, their L2-SP penalty; its second
term, plain decay of new parameters, has nothing to act on where none are new. It is EWC with a
Fisher information of one and one anchor. Memory: one more copy of the trained parameters.
"""

import torch

from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.anchors import (
    squared_distance,
    those_of_base,
    where_it_begins,
)


class StartingPoint(Method):
    """The penalty, and the weights that it pulls to."""

    def __init__(self, strength: float, anchor: str):
        self.strength, self.of_base = strength, anchor == "base"
        self.anchor: dict[str, torch.Tensor] = {}

    def before_stage(self, stage: Stage) -> None:
        # A resumed stage, too, comes here with its parent's weights.
        if self.strength:
            of_base = self.of_base
            self.anchor = those_of_base(stage, "L2-SP") if of_base else where_it_begins(stage)

    def step_loss(self, stage: Stage) -> torch.Tensor | None:
        if not self.strength:
            return None
        return self.strength / 2 * squared_distance(dict(stage.trainable()), self.anchor)


METHOD = StartingPoint
