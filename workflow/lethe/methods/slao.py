"""SLAO: one adapter for all tasks, each merged into it after its stage (Qiao & Mahdavi 2025).

"Merge before forget", arXiv 2512.23017. W + s B A, with one pair of factors at a place. Stage i
begins with the last stage's B as it was trained, and with an orthonormal basis of the rows of that
stage's A: A = Q^T of the QR decomposition of its transpose. After the stage

    A_merged = A_i,   B_merged = B_merged + (B_i - B_merged) / sqrt(i),

and the merged adapter is the checkpoint. The first stage is plain LoRA. The next one needs B_i
too, which is the method's state; A_i is the checkpoint's.

Not known from what we read of the paper: the signs of Q's columns, here those with which R's
diagonal is positive, so that Q's first direction is that of A's first row; and what becomes of the
optimizer between stages, here it begins again. Since Q^T is not A, a stage begins with another
function than the last one ended with, as in the paper.
"""

import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.low_rank import Places, at_places

TUNED, STAGES = "tuned.", "stages"


class SingleLora(Method):
    """Where a stage's adapter begins, and how it is merged; the loss is the stage's own."""

    def __init__(self, power: float, orthogonal: bool):
        self.power, self.orthogonal = power, orthogonal
        self.stages = 0
        self.tuned: dict[str, torch.Tensor] = {}
        self.merged: dict[str, torch.Tensor] = {}
        self.places: Places = {}

    @torch.no_grad()
    def before_stage(self, stage: Stage) -> None:
        """Also of a resumed stage: its adapter is the parent's here, and restored afterwards."""
        self.places = at_places(stage.model, "slao")
        if stage.index > 1 and self.tuned.keys() != self.places.keys():
            raise UserError(
                "SLAO: the parent's checkpoint does not hold the factors of its last stage for "
                "these places; train the whole chain of stages with this method and one `lora`."
            )
        if not self.tuned:
            return
        for place, (adapter, _) in self.places.items():
            self.merged[place] = adapter.up.detach().clone()
            adapter.up.copy_(self.tuned[place])
            if self.orthogonal:
                adapter.down.copy_(orthonormal_rows(adapter.down))

    @torch.no_grad()
    def after_stage(self, stage: Stage) -> None:
        self.stages += 1
        step = self.stages**-self.power
        for place, (adapter, _) in self.places.items():
            self.tuned[place] = adapter.up.detach().clone()
            if place in self.merged:
                adapter.up.copy_(torch.lerp(self.merged[place], adapter.up, step))

    def state(self) -> dict[str, torch.Tensor]:
        if not self.stages:
            return {}
        tuned = {TUNED + place: value.cpu() for place, value in self.tuned.items()}
        return {**tuned, STAGES: torch.tensor([self.stages])}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        if state and STAGES not in state:
            raise UserError(
                f"Expected `{STAGES}` in the state of method 'slao', found {sorted(state)[:2]}; "
                "train the whole chain of stages with this method."
            )
        self.stages = int(state[STAGES]) if state else 0
        self.tuned = {n.removeprefix(TUNED): v for n, v in state.items() if n != STAGES}


def orthonormal_rows(rows: torch.Tensor) -> torch.Tensor:
    """Orthonormal rows [rank, width] that span the same space; each on its old row's side."""
    basis, triangle = torch.linalg.qr(rows.T)
    return (basis * triangle.diagonal().sign()).T


METHOD = SingleLora
