"""Experience replay: steps also learn from examples of earlier stages (Chaudhry et al. 2019, ER).

L = L_stage + weight (n / b) L_replayed for a step of b own and n replayed examples, n = ratio b on
average. With weight 1 a replayed example counts as one of the stage's own does.
"""

import torch

from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.earlier import Earlier, due

WHICH = 301  # distinguishes this draw from others of the same seed


class ExperienceReplay(Method):
    """A fresh draw of earlier examples in every step that is due one."""

    def __init__(self, ratio: float, weight: float, capacity: int | None):
        self.ratio, self.weight, self.capacity = ratio, weight, capacity

    def before_stage(self, stage: Stage) -> None:
        self.earlier = Earlier(stage, self.capacity, "replay")

    def step_loss(self, stage: Stage) -> torch.Tensor | None:
        count = due(stage.step, self.ratio * stage.batch_size)
        if not (self.earlier and self.weight and count):
            return None
        chosen = self.earlier.draw(stage, count, WHICH)
        batches = stage.replay(chosen, stage.step)
        loss = sum(stage.plain_loss(stage.model, batch) for batch in batches)
        return self.weight * len(chosen) / stage.batch_size * loss


METHOD = ExperienceReplay
