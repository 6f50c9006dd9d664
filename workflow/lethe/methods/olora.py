"""O-LoRA: every task's adapter is orthogonal to those of earlier tasks (Wang et al. 2023).

arXiv 2310.14152, Eq. 7 and 8. A stage trains an adapter of its own, s B_t A_t; those of earlier
stages stay on the network, frozen (parametrisation `lora` with `chain: one-a-task`). Its loss is

    L = L_stage + weight * sum over places and earlier tasks s of the entries of A_s A_t^T, squared.

The paper writes the change as A B, so its A spans a place's outputs. The released code penalizes
PEFT's A, whose rows are directions of a place's inputs; so does this. That code sums absolute
values (`norm: absolute`), and has a second penalty, on the size of the adapter, which is neither in
the paper's objective nor here. The paper adds the adapters to the weights at the end (Eq. 9); here
they stay beside them, which is the same function.

What it says it protects are the inputs' directions that earlier adapters read. The leak meter looks
at the product B_t A_t, for A_t alone begins with a part in them. Once the earlier ranks add up to a
place's width, no direction is left.
"""

from collections.abc import Iterator, Mapping

import torch

from lethe.methods.contract import Method, Stage
from lethe.methods.parts.low_rank import at_places, trained_names
from lethe.parametrisations.lora import Factors


class OrthogonalLora(Method):
    """The penalty, and the row space of earlier adapters for the meter."""

    def __init__(self, weight: float, norm: str):
        self.weight, self.norm = weight, norm
        self.places: dict[str, tuple[Factors, list[Factors]]] = {}
        self.names: dict[str, tuple[str, str]] = {}
        self.read: dict[str, torch.Tensor] = {}

    def before_stage(self, stage: Stage) -> None:
        self.places = at_places(stage.model, "olora")
        self.names = trained_names(stage.model, self.places)
        self.read = {
            place: _row_space(torch.cat([each.down.detach() for each in earlier]))
            for place, (_, earlier) in self.places.items()
            if earlier and self.weight
        }

    def step_loss(self, stage: Stage) -> torch.Tensor | None:
        # In full precision under autocast: what the penalty leaves is smaller than bfloat16 tells.
        with torch.autocast(next(stage.model.parameters()).device.type, enabled=False):
            parts = [
                self._size(before.down @ adapter.down.T)
                for adapter, earlier in self.places.values()
                for before in earlier
            ]
        if not (parts and self.weight):
            return None
        return self.weight * sum(part.to(parts[0].device) for part in parts)

    def _size(self, overlap: torch.Tensor) -> torch.Tensor:
        return (overlap.square() if self.norm == "squared" else overlap.abs()).sum()

    def changes(
        self, before: Mapping[str, torch.Tensor], now: Mapping[str, torch.Tensor]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        """Of every place: the change of B_t A_t."""
        for place, (down, up) in self.names.items():
            old = [before[name].to(now[name].device) for name in (up, down)]
            yield place, now[up] @ now[down] - old[0] @ old[1]

    def protected(self, name: str, change: torch.Tensor) -> torch.Tensor | None:
        """What of a change reads the directions that earlier adapters of its place read."""
        read = self.read.get(name)
        return None if read is None else (change @ read) @ read.T


def _row_space(rows: torch.Tensor) -> torch.Tensor:
    """Orthonormal columns [width, rows] that span rows [rows, width]."""
    return torch.linalg.qr(rows.T).Q


METHOD = OrthogonalLora
