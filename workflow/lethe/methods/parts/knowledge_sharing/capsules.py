"""Capsules and routing by agreement (Sabour et al. 2017, arXiv 1710.09829)."""

import torch

SMALLEST_SQUARE = 1e-12  # added under a norm's square root, whose gradient at 0 is not finite


def squash(capsules: torch.Tensor) -> torch.Tensor:
    """Shrink vectors [..., size] to a norm below 1, keeping their direction.

    v = |s|^2 / (1 + |s|^2) s / |s|
    """
    square = capsules.square().sum(-1, keepdim=True) + SMALLEST_SQUARE
    return capsules * square.sqrt() / (1 + square)


def routed(votes: torch.Tensor, iterations: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Upper capsules, routed by agreement with the lower ones' votes.

    v_j = squash(sum_i c_ij u_j|i) with c_i = softmax_j(b_ij). b_ij starts at 0 and grows by
    u_j|i . v_j after every iteration but the last.

    Args:
        votes: u [..., I, J, size] from I lower capsules to J upper ones.
        iterations: at least 1; gradients go through all of them.

    Returns:
        v [..., J, size], and the last weights c [..., I, J], which sum to 1 over J.
    """
    agreement = votes.new_zeros(votes.shape[:-1])
    for iteration in range(iterations):
        weights = agreement.softmax(-1)
        upper = squash((weights.unsqueeze(-1) * votes).sum(-3))
        if iteration < iterations - 1:
            agreement = agreement + (votes * upper.unsqueeze(-3)).sum(-1)
    return upper, weights
