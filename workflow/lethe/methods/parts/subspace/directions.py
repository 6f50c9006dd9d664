"""A matrix's strongest singular directions, and the part of a change that lies in them.

W = U S V^T. With U_k and V_k the first k columns of U and V, a change D is free of both if
U_k^T D = 0 and D V_k = 0, that is D = (1 - U_k U_k^T) D (1 - V_k V_k^T): then the k strongest
parts of W, u s v^T, are parts of W + D too (Nayak et al. 2025, arXiv 2504.07097).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Directions:
    """Orthonormal columns: `left` [rows, k] among a matrix's outputs, `right` [columns, k]."""

    left: torch.Tensor
    right: torch.Tensor

    def free(self, change: torch.Tensor) -> torch.Tensor:
        """The part of a change [rows, columns] that both sides leave free."""
        part = change.to(self.left.dtype)
        part = part - self.left @ (self.left.T @ part)
        part = part - (part @ self.right) @ self.right.T
        return part.to(change.dtype)

    def held(self, change: torch.Tensor) -> torch.Tensor:
        """The part of a change that touches either side: what the projection takes away."""
        return change - self.free(change)


def rank_of(values: torch.Tensor, share: float, rank: str) -> int:
    """How many directions are kept.

    Args:
        values: singular values, largest first.
        share: from 0 to 1.
        rank: `share`, of the number of directions, rounded down; or `energy`, the fewest whose
            squared singular values add up to that share of all.
    """
    if rank == "share":
        return int(share * len(values))
    summed = values.double().square().cumsum(0)
    return int((summed < share * summed[-1]).sum()) + 1 if share > 0 else 0


def strongest(weight: torch.Tensor, share: float, rank: str) -> Directions:
    """The strongest directions of a weight [rows, columns], in float32 or wider."""
    left, values, right = torch.linalg.svd(
        weight.detach().to(torch.promote_types(weight.dtype, torch.float32)), full_matrices=False
    )
    kept = rank_of(values, share, rank)
    return Directions(left[:, :kept].contiguous(), right[:kept].T.contiguous())


def matrices(model) -> Iterator[tuple[str, nn.Parameter]]:
    """The trained matrices between a network's states, by name: not embeddings, nor its head.

    Embeddings and the head have a row a word, and are often one matrix.
    """
    head = model.get_output_embeddings()
    left_out = {id(parameter) for parameter in ([] if head is None else head.parameters())}
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            left_out |= {id(parameter) for parameter in module.parameters()}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.dim() == 2 and id(parameter) not in left_out:
            yield name, parameter
