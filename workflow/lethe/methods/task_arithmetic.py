"""Task arithmetic: the base plus the sum of what each stage changes (Ilharco et al. 2023).

theta = theta_base + scale sum_t tau_t, tau_t = theta_t - theta_base. Every stage is trained from
the base, so stages know nothing of each other until they are added. With `drop`, entries of a
stage's tau are left out at random and the others grow (DARE, Yu et al. 2024). Memory: one float32
copy of the trained parameters on the CPU and in every checkpoint, however many stages there are;
the base once more while weights are set.
"""

import torch

from lethe.data.draws import seed_of
from lethe.errors import UserError
from lethe.methods.contract import Stage
from lethe.methods.parts.merging.from_base import FromBase
from lethe.methods.parts.merging.vectors import Tensors, dropped

SUM = "sum."
WHICH_DROP = 401  # distinguishes this draw from others of the same seed


class TaskArithmetic(FromBase):
    """The sum of task vectors."""

    name = "Task arithmetic"

    def __init__(self, scale: float, drop: float):
        self.scale, self.drop = scale, drop
        self.sum: Tensors = {}

    def empty(self) -> bool:
        return not self.sum

    def add(self, vector: Tensors, stage: Stage) -> None:
        vector = dropped(vector, self.drop, seed_of(stage.seed, stage.index, WHICH_DROP))
        before = self.sum or {name: torch.zeros_like(value) for name, value in vector.items()}
        self.sum = {name: before[name] + value for name, value in vector.items()}

    def merged(self, name: str) -> torch.Tensor:
        return self.scale * self.sum[name]

    def shapes(self) -> dict[str, torch.Size]:
        return {name: value.shape for name, value in self.sum.items()}

    def state(self) -> dict[str, torch.Tensor]:
        return {SUM + name: value for name, value in self.sum.items()}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        if not all(name.startswith(SUM) for name in state):
            raise UserError(
                "Task arithmetic: the parent's state was not saved by it; train the whole chain of "
                "stages with this method."
            )
        self.sum = {name.removeprefix(SUM): value for name, value in state.items()}


METHOD = TaskArithmetic
