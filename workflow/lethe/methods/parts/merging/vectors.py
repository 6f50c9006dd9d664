"""Task vectors: trained weights less the base's, by parameter name, and how several become one.

Ilharco et al. 2023 (task arithmetic), Yadav et al. 2023 (TIES), Yu et al. 2024 (DARE).
"""

from collections.abc import Sequence

import torch

Tensors = dict[str, torch.Tensor]


def dropped(vector: Tensors, share: float, seed: int) -> Tensors:
    """DARE: each entry becomes 0 with probability `share`, the others are divided by 1 - share.

    Entries are drawn in the order of the names, on the CPU.
    """
    if not share:
        return vector
    generator = torch.Generator().manual_seed(seed)
    kept = {
        name: torch.rand(vector[name].shape, generator=generator) >= share
        for name in sorted(vector)
    }
    return {name: value * kept[name] / (1 - share) for name, value in vector.items()}


def trimmed(vector: Tensors, density: float) -> Tensors:
    """TIES, step 1: the entries of largest size are kept, the others become 0.

    The share `density` is of the whole vector, not of each parameter; at least one entry stays, and
    all that are as large as the last one that does.
    """
    sizes = torch.cat([value.abs().flatten() for value in vector.values()])
    count = min(len(sizes), max(1, round(density * len(sizes))))
    smallest = sizes.kthvalue(len(sizes) - count + 1).values
    return {name: value * (value.abs() >= smallest) for name, value in vector.items()}


def merged_by_sign(vectors: Sequence[torch.Tensor]) -> torch.Tensor:
    """TIES, steps 2 and 3: the mean of those entries that have the elected sign.

    Of each place, the sign of the sum over vectors is elected; the mean is over the vectors with an
    entry of this sign there. Where the sum is 0, so is the result.

    Args:
        vectors: of one parameter, one a stage.
    """
    stacked = torch.stack(list(vectors))
    agrees = (stacked.sign() == stacked.sum(0).sign()) & (stacked != 0)
    return (stacked * agrees).sum(0) / agrees.sum(0).clamp(min=1)
