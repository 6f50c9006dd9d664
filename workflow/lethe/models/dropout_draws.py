"""What dropout multiplies with, drawn as torch draws it, for layers that are one operation."""

import torch


def kept(like: torch.Tensor, drop: float) -> torch.Tensor | None:
    """What dropout multiplies with, as torch draws it; None: nothing is dropped.

    torch draws nothing where nothing or all is dropped.
    """
    if drop == 0.0:
        return None
    if drop == 1.0:
        return torch.zeros_like(like)
    return torch.empty_like(like).bernoulli_(1.0 - drop).div_(1.0 - drop)
