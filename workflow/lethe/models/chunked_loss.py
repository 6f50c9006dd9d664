"""The loss of a large vocabulary, a few labels at a time: all logits never exist at once.

250,880 words x 4,096 labels are 4 GB of float32, and twice that with their gradient. Here the
gradient with respect to a piece's logits is computed in the forward pass, right after them, and
multiplied out at once (Hsu et al. 2024, "Liger Kernel", section 3.2), so nothing is computed twice.
"""

import torch
import torch.nn.functional as functional
from torch import nn
from torch.utils.checkpoint import checkpoint


def arithmetic_dtype(device: torch.device, otherwise: torch.dtype) -> torch.dtype:
    """The dtype of autocast on this kind of device if autocast is on, else `otherwise`."""
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return otherwise


# With more logits (labels x vocabulary) than this, the loss is computed in pieces. Smaller losses
# use the plain loss, whose rounding differs.
LARGE = 2**24
# Logits of one piece: 64 MB of float32 on a CPU, and enough to keep a GPU busy.
PIECE = {"cpu": 2**24, "cuda": 2**28}


def weighted_loss(
    features: torch.Tensor, layer, targets: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """sum_n w_n CE(layer(features_n), target_n), a scalar in nats; in pieces where it is large.

    Args:
        features: [N, width].
        layer: makes logits [N, vocabulary] of them; pieces need it to say its `out_features`.
        targets, weights: [N], on any device.
    """
    if is_large(len(features), getattr(layer, "out_features", 0)):
        in_pieces = chunked_loss if is_linear(layer) else recomputed_loss
        return in_pieces(features, layer, targets, weights)
    return loss_of_logits(layer(features), targets, weights)


def loss_of_logits(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """sum_n w_n CE(logits_n, target_n), a scalar in nats, of logits [N, vocabulary]."""
    losses = functional.cross_entropy(logits.float(), targets.to(logits.device), reduction="none")
    return (losses * weights.to(losses.device)).sum()


def is_large(labels: int, vocabulary: int) -> bool:
    """Whether the loss of this many labels is better computed in pieces."""
    return labels * vocabulary > LARGE


def is_linear(layer) -> bool:
    """Whether a module is a plain linear map without hooks."""
    return type(layer) is nn.Linear and not (layer._forward_hooks or layer._forward_pre_hooks)


def chunked_loss(
    features: torch.Tensor,
    layer: nn.Linear,
    targets: torch.Tensor,
    weights: torch.Tensor,
    rows: int | None = None,
) -> torch.Tensor:
    """The loss in pieces, equal to the plain one up to rounding, in value and gradients.

    At most `rows` x vocabulary logits exist at a time; the gradient of `layer` is as large as its
    weight, as usual. The loss can be differentiated only once.

    Args:
        features: [N, width], what the layer is applied to.
        targets, weights: [N].
        rows: labels per piece; None: as many as `PIECE` allows.
    """
    device = layer.weight.device
    rows = rows or max(1, PIECE.get(device.type, LARGE) // layer.out_features)
    return _ChunkedLoss.apply(
        features.to(device),
        layer.weight,
        layer.bias,
        targets.to(device),
        weights.to(device),
        rows,
        arithmetic_dtype(device, features.dtype),
    )


def recomputed_loss(
    features: torch.Tensor,
    layer: nn.Module,
    targets: torch.Tensor,
    weights: torch.Tensor,
    rows: int | None = None,
) -> torch.Tensor:
    """The loss in pieces for any layer, as one with LoRA: the backward pass makes logits again.

    Arguments as of `chunked_loss`.
    """
    rows = rows or max(1, PIECE.get(features.device.type, LARGE) // layer.out_features)

    def of_piece(states, piece_targets, piece_weights):
        return loss_of_logits(layer(states), piece_targets, piece_weights)

    parts = zip(features.split(rows), targets.split(rows), weights.split(rows), strict=True)
    return sum(checkpoint(of_piece, *part, use_reentrant=False) for part in parts)


class _ChunkedLoss(torch.autograd.Function):
    """Value and gradients in one pass over the pieces."""

    @staticmethod
    def forward(ctx, features, weight, bias, targets, weights, rows, dtype):
        wanted = [
            torch.zeros_like(tensor) if needed else None
            for tensor, needed in zip((features, weight, bias), ctx.needs_input_grad, strict=False)
        ]
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.to(dtype)
            offset = None if bias is None else bias.to(dtype)
            total = torch.zeros((), device=weight.device)
            for start in range(0, len(features), rows):
                piece = slice(start, start + rows)
                states = features[piece].to(dtype)
                scores = functional.linear(states, matrix, offset).float()
                total += _to_gradient(scores, targets[piece], weights[piece])
                _multiply_out(scores.to(dtype), states, matrix, piece, wanted)
        ctx.gradients = wanted
        return total

    @staticmethod
    def backward(ctx, gradient):
        # Handed over and not kept, so that autograd takes them without a copy.
        gradients, ctx.gradients = ctx.gradients, None
        if gradients is None:
            raise RuntimeError("The chunked loss can be differentiated only once.")
        scaled = [None if g is None else g.mul_(gradient.to(g.dtype)) for g in gradients]
        return (*scaled, None, None, None, None)


def _to_gradient(scores, targets, weights) -> torch.Tensor:
    """The weighted loss of scores [n, vocabulary], which become its gradient in place."""
    targets = targets[:, None]
    scores -= scores.amax(-1, keepdim=True)
    right = scores.gather(-1, targets)[:, 0]
    scores.exp_()
    total = scores.sum(-1)
    scores *= (weights / total)[:, None]
    scores.scatter_add_(-1, targets, -weights[:, None])
    return (weights * (total.log() - right)).sum()


def _multiply_out(scores, states, matrix, piece, wanted) -> None:
    """Add a piece's part to the gradients of features, weight and bias; None is not wanted."""
    for_features, for_weight, for_bias = wanted
    if for_features is not None:
        for_features[piece] = scores @ matrix
    if for_weight is not None and for_weight.dtype == scores.dtype:
        for_weight.addmm_(scores.T, states)
    elif for_weight is not None:
        for_weight += scores.T @ states
    if for_bias is not None:
        for_bias += scores.sum(0)
