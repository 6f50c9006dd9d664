"""Diagonal empirical Fisher information and its quadratic penalty (Kirkpatrick et al. 2017)."""

from collections.abc import Iterable

import torch

from lethe.data.batches import Batch
from lethe.models.forward import weighted_loss

Tensors = dict[str, torch.Tensor]


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
