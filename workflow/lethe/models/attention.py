"""Masks that keep the examples of a row apart, for models that accept ready-made masks."""

import torch


def same(documents: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Whether two places belong to one example, [R, L, S], by document ids [R, L] and [R, S]."""
    return documents[:, :, None] == others[:, None, :]


def additive(allowed: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A mask [R, 1, L, S] to add to attention scores: 0 where allowed, else the type's minimum."""
    mask = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return mask.masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]
