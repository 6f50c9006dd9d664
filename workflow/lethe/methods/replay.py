"""Experience replay: steps also learn from examples of earlier stages (Chaudhry et al. 2019, ER).

L = L_stage + weight (n / b) L_replayed for a step of b own and n replayed examples, n = ratio b on
average. With weight 1 a replayed example counts as one of the stage's own does.
"""

from collections.abc import Iterator

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

    def step_loss(self, stage: Stage) -> Iterator[torch.Tensor]:
        count = due(stage.step, self.ratio * stage.batch_size)
        if not (self.earlier and self.weight and count):
            return
        chosen = self.earlier.draw(stage, count, WHICH)
        share = self.weight * len(chosen) / stage.batch_size
        for batch in stage.replay(chosen, stage.step):
            yield share * stage.plain_loss(stage.model, batch)


METHOD = ExperienceReplay
