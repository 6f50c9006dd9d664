"""EWC: weights that mattered to earlier stages stay near them (Kirkpatrick et al. 2017).

L = L_stage + strength/2 sum F (theta - theta_old)^2 (Eq. 3). F is the diagonal empirical Fisher
information (with the data's labels, not the model's), averaged over the stages so far; theta_old
are the weights after the last stage. There is one penalty for all stages instead of one for each,
as in the released code of Ke et al. 2023. Memory: two float32 copies of the weights.
"""

import numpy as np
import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.retention.fisher import (
    diagonal_fisher,
    heavy_from,
    quadratic_penalty,
    running_mean,
)

FISHER, ANCHOR, STAGES = "fisher.", "anchor.", "stages"
WHICH_EXAMPLES = 101  # distinguishes this draw from others of the same seed


class ElasticWeights(Method):
    """The penalty, and the Fisher information and weights that it uses."""

    def __init__(self, strength: float, samples: int | None):
        self.strength, self.samples = strength, samples
        self.fisher: dict[str, torch.Tensor] = {}
        self.anchor: dict[str, torch.Tensor] = {}
        self.stages = 0
        self.heavy = 0.0

    def before_stage(self, stage: Stage) -> None:
        if stage.index > 1 and not self.stages:
            raise UserError(
                "EWC: the parent's checkpoint holds no Fisher information; "
                "train the whole chain of stages with this method."
            )
        if self.stages:
            parameters = dict(stage.trainable())
            self.fisher = self._fitting(self.fisher, parameters)
            self.anchor = self._fitting(self.anchor, parameters)
            self.heavy = heavy_from(self.fisher)

    def _fitting(self, tensors, parameters) -> dict[str, torch.Tensor]:
        """The tensors on the devices of the parameters, after checking names and shapes."""
        differing = sorted(tensors.keys() ^ parameters.keys())
        differing += [
            n for n, p in parameters.items() if n in tensors and tensors[n].shape != p.shape
        ]
        if differing:
            raise UserError(
                f"EWC: the parent's Fisher information does not fit the model at {differing[0]!r}; "
                "use one model in a chain of stages."
            )
        return {name: tensors[name].to(p.device) for name, p in parameters.items()}

    def step_loss(self, stage: Stage) -> torch.Tensor | None:
        if not (self.stages and self.strength):
            return None
        penalty = quadratic_penalty(dict(stage.trainable()), self.anchor, self.fisher)
        return self.strength * penalty

    def after_stage(self, stage: Stage) -> None:
        count = min(self.samples or len(stage.examples), len(stage.examples))
        generator = np.random.default_rng([stage.seed, stage.index, WHICH_EXAMPLES])
        chosen = generator.choice(len(stage.examples), count, replace=False)
        alone = (
            stage.collate([stage.examples[index]])
            for index in stage.counted(chosen, count, "example for the Fisher information")
        )
        newest = diagonal_fisher(stage.model, alone)
        self.stages += 1
        self.fisher = running_mean(self.fisher, newest, self.stages)
        self.anchor = {name: p.detach().clone() for name, p in stage.trainable()}

    def protected(self, name: str, change: torch.Tensor) -> torch.Tensor | None:
        """The change of heavy weights: the tenth with the most Fisher information of all."""
        if not (self.stages and self.strength):
            return None
        return change * (self.fisher[name] > self.heavy)

    def state(self) -> dict[str, torch.Tensor]:
        if not self.stages:
            return {}
        # Clones: safetensors refuses tied weights or tensors shared with the model.
        saved = {FISHER + name: value.detach().cpu().clone() for name, value in self.fisher.items()}
        saved |= {ANCHOR + name: value.cpu().clone() for name, value in self.anchor.items()}
        return {**saved, STAGES: torch.tensor([self.stages])}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        if not state:
            return
        parts = {
            prefix: {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
            for prefix in (FISHER, ANCHOR)
        }
        expected_size = 1 + sum(len(part) for part in parts.values())
        complete = parts[FISHER] and parts[FISHER].keys() == parts[ANCHOR].keys()
        if STAGES not in state or not complete or expected_size != len(state):
            raise UserError(
                "EWC: the parent's state was not saved by EWC; train the whole chain of stages "
                "with this method."
            )
        devices = {name: value.device for name, value in self.fisher.items()}
        self.fisher, self.anchor = (
            {name: value.to(devices.get(name, value.device)) for name, value in part.items()}
            for part in (parts[FISHER], parts[ANCHOR])
        )
        self.stages = int(state[STAGES])


METHOD = ElasticWeights
