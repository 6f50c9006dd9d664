"""Diagonal empirical Fisher information and its quadratic penalty (Kirkpatrick et al. 2017)."""

from collections.abc import Iterable

import torch

from lethe.data.batches import Batch
from lethe.models.forward import weighted_loss

Tensors = dict[str, torch.Tensor]
HEAVY = 0.1  # share of all weights
LOOKED_AT = 100_000  # evenly spaced weights of a tensor, enough to place the tenth


def diagonal_fisher(model: torch.nn.Module, examples: Iterable[list[Batch]]) -> Tensors:
    """Mean over examples of the squared gradient of each example's own loss, by parameter name.

    One backward pass per example, since the square of a batch's mean gradient is something else.
    Dropout is off; the model's mode and gradients are left unchanged.

    Args:
        examples: for every example its own micro-batches.
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    total = {name: torch.zeros_like(p) for name, p in trained.items()}
    training, count = model.training, 0
    model.eval()
    for batches in examples:
        loss = sum(weighted_loss(model, batch) for batch in batches)
        gradients = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
        for name, gradient in zip(trained, gradients, strict=True):
            if gradient is not None:
                total[name] += gradient.square()
        count += 1
    model.train(training)
    return {name: value / max(count, 1) for name, value in total.items()}


def running_mean(old: Tensors, new: Tensors, count: int) -> Tensors:
    """The mean over `count` stages, from the mean before (unused if 1) and the newest stage."""
    if count == 1:
        return new
    return {name: old[name] + (value - old[name]) / count for name, value in new.items()}


def quadratic_penalty(parameters: Tensors, anchor: Tensors, fisher: Tensors) -> torch.Tensor:
    """1/2 sum F (theta - theta_old)^2, a scalar (Kirkpatrick et al. 2017, Eq. 3)."""
    parts = [
        (fisher[name] * (parameter - anchor[name]).square()).sum()
        for name, parameter in parameters.items()
    ]
    # If a model is spread over devices, its parts are added up on the first one.
    return sum(part.to(parts[0].device) for part in parts) / 2


def heavy_from(fisher: Tensors) -> float:
    """The Fisher information above which a weight is heavy: that of a tenth of all weights.

    Of a large tensor every n-th weight is looked at. A weight without information is never heavy.
    """
    values = []
    for value in fisher.values():
        step = max(1, value.numel() // LOOKED_AT)
        # Each value stands for `step` weights, so that tensors count by their size.
        values.append((value.flatten()[::step].float().cpu(), step))
    counts = torch.cat([torch.full_like(part, step) for part, step in values])
    ordered, places = torch.cat([part for part, _ in values]).sort(descending=True)
    above = counts[places].double().cumsum(0)
    return float(ordered[int((above <= HEAVY * above[-1]).sum())])
