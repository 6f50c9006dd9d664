"""EMA: a stage passes on a running mean of its steps' weights (Polyak & Juditsky 1992).

m_0 = theta_parent, m_t = decay m_(t-1) + (1 - decay) theta_t, in the exponential form that
Tarvainen & Valpola 2017 give a teacher. Training itself is plain and never reads the mean; after
the last step the mean takes the place of the weights. Of an adapter, the mean is over its own
parameters. Memory: one more copy of the trained parameters, in snapshots too.
"""

import torch

from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.anchors import where_it_begins


class RunningMean(Method):
    """The mean, which is state only as long as the stage goes on."""

    def __init__(self, decay: float):
        self.decay = decay
        self.mean: dict[str, torch.Tensor] = {}

    def before_stage(self, stage: Stage) -> None:
        self.mean = where_it_begins(stage)

    @torch.no_grad()
    def after_update(self, stage: Stage) -> None:
        for name, p in stage.trainable():
            self.mean[name].lerp_(p, 1 - self.decay)

    @torch.no_grad()
    def after_stage(self, stage: Stage) -> None:
        for name, p in stage.trainable():
            p.copy_(self.mean[name])
        self.mean = {}

    def state(self) -> dict[str, torch.Tensor]:
        return self.mean

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Of a snapshot; a checkpoint holds none, since the mean has become its weights."""
        for name, value in state.items():
            device = self.mean[name].device if name in self.mean else value.device
            self.mean[name] = value.to(device)


METHOD = RunningMean
