"""OSF: a stage changes nothing in each matrix's strongest singular directions.

Orthogonal subspace fine-tuning (Nayak et al. 2025, arXiv 2504.07097). When a stage starts, every
matrix between the states is W = U S V^T. The first k directions are kept, on both sides: the change
D of the stage satisfies U_k^T D = 0 and D V_k = 0. So it is in the authors' release and in PEFT,
which train the factors of the rest and project the gradients of U and V. Here the matrix itself is
trained and its change is projected, which reaches the same matrices with the same rank. (The
authors' account of the paper prints G - U_k U_k^T G V_k V_k^T instead, which leaves a change free
that touches one side alone.)

The authors project gradients. AdamW divides every element by its own scale, and decays all of W, so
its update leaves the free subspace (`project: gradient`). Projected after the update, nothing
leaks, whatever the optimizer (`project: update`).

Simplified: k is one share for all matrices. The authors' shares by layer, 0.1 to 0.8 by the
likeness of its inputs and outputs, are not defined for matrices of different widths. Memory: a copy
of the matrices, and their directions.
"""

import torch

from lethe.errors import UserError
from lethe.methods.contract import Method, Stage
from lethe.methods.parts.subspace.directions import Directions, matrices, strongest


class SubspaceTuning(Method):
    """Projects gradients, updates, or both."""

    def __init__(self, share: float, rank: str, project: str, others: str):
        self.share, self.rank, self.others = share, rank, others
        self.of_gradient = project in ("gradient", "both")
        self.of_update = project in ("update", "both")
        self.directions: dict[str, Directions] = {}
        self.start: dict[str, torch.Tensor] = {}

    def before_stage(self, stage: Stage) -> None:
        # A resumed stage comes here with its parent's weights too, so its directions are the same.
        found = dict(matrices(stage.model))
        if not found:
            raise UserError(
                "osf: expected matrices between the states that are trained, found that all are "
                "frozen; lower `layers` of the parametrisation, or choose another method."
            )
        matrix_by_matrix = stage.counted(found.items(), len(found), "matrix that is taken apart")
        kept = {name: strongest(p, self.share, self.rank) for name, p in matrix_by_matrix}
        self.directions = {name: each for name, each in kept.items() if each.left.shape[1]}
        if self.of_update:
            self.start = {name: found[name].detach().clone() for name in self.directions}
        if self.others == "frozen":
            for name, parameter in stage.model.named_parameters():
                parameter.requires_grad_(name in found)

    def after_backward(self, stage: Stage) -> None:
        if self.of_gradient:
            for name, gradient in stage.gradients().items():
                if name in self.directions:
                    gradient.copy_(self.directions[name].free(gradient))

    @torch.no_grad()
    def after_update(self, stage: Stage) -> None:
        """The change since the stage's start, not the step's: rounding does not add up."""
        for name, parameter in stage.trainable():
            if name in self.start:
                change = self.directions[name].free(parameter - self.start[name])
                parameter.copy_(self.start[name] + change)

    def protected(self, name: str, change: torch.Tensor) -> torch.Tensor | None:
        """What of a matrix's change lies in its kept directions, on either side."""
        directions = self.directions.get(name)
        return None if directions is None else directions.held(change)


METHOD = SubspaceTuning
