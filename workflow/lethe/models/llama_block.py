"""One layer of a LLaMA as one operation on a processor, with a backward pass written out.

A network of width 64 spends most of its time between operations: transformers takes some forty a
layer and torch's automatic differentiation twice as many. Here query, key and value are one
product, rotation is one complex product, and normalisation's gradient is torch's kernel for layer
normalisation with one correction. Touvron et al. 2023, "LLaMA", section 2.2; Su et al. 2021,
"RoFormer", section 3.2.2.

Shapes: T = R x L tokens of R rows, width d, H heads of size D, feed-forward width F, N states that
are asked for.
"""

import torch
import torch.nn.functional as functional

from lethe.models.rms_norm import normed, normed_backward

aten = torch.ops.aten


def _paired(query, key, value, size: int) -> torch.Tensor:
    """One matrix [3 H D, d] whose queries and keys have the two halves that rotate interleaved.

    Their order does not matter to the product of a query and a key.
    """
    shape = (-1, 2, size // 2, query.shape[1])
    halves = [matrix.view(shape).transpose(1, 2) for matrix in (query, key)]
    return torch.cat([*halves, value.view(-1, size // 2, 2, value.shape[1])]).flatten(0, 2)


def _unpaired(gradient, size: int) -> torch.Tensor:
    """The gradient of a matrix whose halves `_paired` interleaved."""
    return gradient.view(-1, size // 2, 2, gradient.shape[1]).transpose(1, 2).flatten(0, 2)


def _complex(states, size: int) -> torch.Tensor:
    """Queries and keys [T, n D] as complex numbers [T, n, D / 2]."""
    return torch.view_as_complex(states.unflatten(-1, (-1, size // 2, 2)))


class Layer(torch.autograd.Function):
    """Attention and feed-forward with their normalisations and residuals.

    Args:
        states: [T, d].
        turns, back: what rotates queries and keys, complex [T, 1, D / 2], and its conjugate.
        mask: added to attention's scores, [R, 1, L, L].
        wanted: [N] the distinct places among T whose results are asked for; None: all.
        size: D.
        epsilon: of both normalisations.
        weights: first normalisation, query, key, value, output, second normalisation, gate, up,
            down.

    Returns:
        [N, d].
    """

    @staticmethod
    def forward(ctx, states, turns, back, mask, wanted, size, epsilon, *weights):
        first, query, key, value, output, second, gate, up, down = weights
        matrix, inner = _paired(query, key, value, size), query.shape[0]
        read, read_scale = normed(states, first, epsilon)
        rows, length = mask.shape[0], mask.shape[-1]
        mixed = torch.mm(read, matrix.t())
        turned = torch.view_as_real(_complex(mixed[:, : 2 * inner], size) * turns)
        turned = turned.view(rows, length, 2, -1, size).transpose(1, 3)
        values = mixed[:, 2 * inner :].view(rows, length, -1, size).transpose(1, 2)
        heads = (turned[:, :, 0], turned[:, :, 1], values)
        seen, sums = aten._scaled_dot_product_flash_attention_for_cpu(
            *heads, 0.0, False, attn_mask=mask
        )
        context = seen.transpose(1, 2).reshape(-1, inner)
        residual = states
        if wanted is not None:
            context, residual = context[wanted], states[wanted]
        middle = torch.addmm(residual, context, output.t())
        fed, fed_scale = normed(middle, second, epsilon)
        gated, raised = torch.mm(fed, gate.t()), torch.mm(fed, up.t())
        opened = functional.silu(gated)
        neurons = opened * raised
        attention = (states, read_scale, read, matrix, *heads, seen, sums, context, output)
        feed = (middle, fed_scale, fed, gated, raised, opened, neurons, gate, up, down)
        ctx.save_for_backward(*attention, *feed, first, second, back, mask, wanted)
        ctx.size = size
        return torch.addmm(middle, neurons, down.t())

    @staticmethod
    def backward(ctx, gradient):
        saved, size = ctx.saved_tensors, ctx.size
        attention, feed, (first, second, back, mask, wanted) = saved[:11], saved[11:21], saved[21:]
        of_middle, of_second, *of_feed = _feed_backward(gradient.contiguous(), second, *feed)
        states, read_scale, read, matrix, *_, context, output = attention
        of_output = torch.mm(of_middle.t(), context)
        of_context = torch.mm(of_middle, output)
        if wanted is not None:
            everywhere = of_context.new_zeros(len(states), of_context.shape[1])
            of_context = everywhere.index_copy_(0, wanted, of_context)
        of_mixed = _attention_backward(of_context, back, mask, size, *attention[4:9])
        of_matrix = torch.mm(of_mixed.t(), read)
        of_read = torch.mm(of_mixed, matrix)
        of_states, of_first = normed_backward(of_read, states, read_scale, first)
        if wanted is None:
            of_states.add_(of_middle)
        else:
            of_states.index_add_(0, wanted, of_middle)
        query, key, value = of_matrix.chunk(3)
        query, key = _unpaired(query, size), _unpaired(key, size)
        of_weights = (of_first, query, key, value, of_output, of_second, *of_feed)
        return of_states, *[None] * 6, *of_weights


def _feed_backward(
    gradient, second, middle, scale, fed, gated, raised, opened, neurons, gate, up, down
):
    """Gradients of the state before the feed-forward, its normalisation, gate, up and down."""
    of_down = torch.mm(gradient.t(), neurons)
    of_neurons = torch.mm(gradient, down)
    of_raised = of_neurons * opened
    of_gated = aten.silu_backward(of_neurons.mul_(raised), gated)
    of_gate, of_up = torch.mm(of_gated.t(), fed), torch.mm(of_raised.t(), fed)
    of_fed = torch.mm(of_gated, gate).addmm_(of_raised, up)
    of_middle, of_second = normed_backward(of_fed, middle, scale, second)
    return of_middle.add_(gradient), of_second, of_gate, of_up, of_down


def _attention_backward(gradient, back, mask, size, query, key, value, seen, sums):
    """Gradient [T, 3 H D] of queries, keys (before they were turned) and values."""
    rows, length = mask.shape[0], mask.shape[-1]
    gradient = gradient.view(rows, length, -1, size).transpose(1, 2)
    parts = aten._scaled_dot_product_flash_attention_for_cpu_backward(
        gradient, query, key, value, seen, sums, 0.0, False, attn_mask=mask
    )
    inner = query.shape[1] * size
    of_mixed = torch.cat([part.transpose(1, 2).reshape(-1, inner) for part in parts], 1)
    _complex(of_mixed[:, : 2 * inner], size).mul_(back)
    return of_mixed
