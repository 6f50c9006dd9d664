"""TIES: task vectors trimmed, signs elected, and those that agree averaged (Yadav et al. 2023).

theta = theta_base + scale tau, where tau is merged from the stages' tau_t = theta_t - theta_base:
of each tau_t the largest entries are kept; at each place the sign of their sum is elected; tau is
the mean of the entries that have it. Every stage is trained from the base. Memory: all trimmed
vectors, in the CPU's memory and in every checkpoint: density x 8 bytes a trained parameter for each
stage so far (float32 values and their places); the base once more while weights are set.
"""

import torch

from lethe.errors import UserError
from lethe.methods.contract import Stage
from lethe.methods.parts.merging.from_base import FromBase
from lethe.methods.parts.merging.vectors import Tensors, merged_by_sign, trimmed

VALUES, PLACES, SHAPE = "values", "places", "shape"
PARTS = {VALUES, PLACES, SHAPE}
Sparse = dict[str, torch.Tensor]


class TrimElectMerge(FromBase):
    """Every stage's trimmed task vector: by parameter, and for each stage its entries."""

    name = "TIES"

    def __init__(self, scale: float, density: float):
        self.scale, self.density = scale, density
        self.stages: list[dict[str, Sparse]] = []

    def empty(self) -> bool:
        return not self.stages

    def add(self, vector: Tensors, stage: Stage) -> None:
        kept = trimmed(vector, self.density)
        self.stages.append({name: sparse(value) for name, value in kept.items()})

    def merged(self, name: str) -> torch.Tensor:
        return self.scale * merged_by_sign([dense(stage[name]) for stage in self.stages])

    def shapes(self) -> dict[str, torch.Size]:
        return {
            name: torch.Size(part[SHAPE].tolist())
            for stage in self.stages
            for name, part in stage.items()
        }

    def state(self) -> dict[str, torch.Tensor]:
        return {
            f"{number}/{name}/{key}": value
            for number, stage in enumerate(self.stages)
            for name, part in stage.items()
            for key, value in part.items()
        }

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        stages: dict[int, dict[str, Sparse]] = {}
        for name, value in state.items():
            number, _, rest = name.partition("/")
            parameter, _, key = rest.rpartition("/")
            if not (number.isdigit() and parameter and key in PARTS):
                raise UserError(
                    "TIES: the parent's state was not saved by it; train the whole chain of stages "
                    "with this method."
                )
            stages.setdefault(int(number), {}).setdefault(parameter, {})[key] = value
        if any(part.keys() != PARTS for stage in stages.values() for part in stage.values()):
            raise UserError("TIES: the tensors of the parent's task vectors do not fit together.")
        self.stages = [stages[number] for number in sorted(stages)]


def sparse(tensor: torch.Tensor) -> Sparse:
    """The entries that are not 0, and their places in the flat tensor."""
    flat = tensor.flatten()
    places = flat.nonzero().squeeze(1)
    narrow = places.int() if len(flat) < 2**31 else places
    return {VALUES: flat[places], PLACES: narrow, SHAPE: torch.tensor(tensor.shape)}


def dense(part: Sparse) -> torch.Tensor:
    """The inverse of `sparse`."""
    shape = part[SHAPE].tolist()
    flat = part[VALUES].new_zeros(torch.Size(shape).numel())
    flat[part[PLACES].long()] = part[VALUES]
    return flat.reshape(shape)


METHOD = TrimElectMerge
