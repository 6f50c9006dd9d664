"""Normalisation by the root mean square as one operation on a processor, with its backward pass.

Zhang and Sennrich 2019, "Root mean square layer normalization", eq. 4. LLaMA and T5 have it.
"""

import torch
from torch.autograd.function import once_differentiable

aten = torch.ops.aten


def normed(states, weight, epsilon: float) -> tuple[torch.Tensor, torch.Tensor]:
    """x / rms(x) x weight, and 1 / rms(x), [rows, 1], for states [rows, d]."""
    length = torch.linalg.vector_norm(states, dim=-1, keepdim=True)
    scale = length.mul_(length).mul_(1.0 / states.shape[-1]).add_(epsilon).rsqrt_()
    return (states * scale).mul_(weight), scale


def normed_backward(gradient, states, scale, weight) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of states and weight.

    Layer normalisation's with a mean of 0, which also takes off what would flow through the mean.
    That is added again: scale x mean(gradient x weight).
    """
    width = states.shape[-1]
    none = torch.zeros_like(scale)
    of_states, of_weight, _ = aten.native_layer_norm_backward(
        gradient, states, [width], none, scale, weight, None, [True, True, False]
    )
    mean = torch.mv(gradient, weight)[:, None].mul_(scale)
    return of_states.add_(mean, alpha=1.0 / width), of_weight


class Norm(torch.autograd.Function):
    """The normalisation after the last layer, of states [N, d]."""

    @staticmethod
    def forward(ctx, states, weight, epsilon):
        result, scale = normed(states, weight, epsilon)
        ctx.save_for_backward(states, scale, weight)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        states, scale, weight = ctx.saved_tensors
        return *normed_backward(gradient.contiguous(), states, scale, weight), None
