"""One layer of a RoBERTa in training as one operation on a processor, with its backward pass.

transformers' layer calls torch's attention, which with dropout takes one operation after the other,
and automatic differentiation takes them again. Here query, key and value are one product, and what
can be is computed in place. Dropout draws the numbers that the stock layer draws, in its order.
Devlin et al. 2019, "BERT", section 3; Liu et al. 2019, "RoBERTa".

Shapes: T = R x L tokens of R rows, width d, H heads of size D, N states that are asked for.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as functional

from lethe.models.dropout_draws import kept

aten = torch.ops.aten


@dataclass(frozen=True)
class Settings:
    """heads: H. drop_seen, drops: shares dropped of attention's weights, and of the outputs of
    attention and feed-forward. epsilons: of their normalisations."""

    heads: int
    drop_seen: float
    drops: tuple[float, float]
    epsilons: tuple[float, float]


def _normed(states, weight, bias, epsilon):
    return aten.native_layer_norm(states, [states.shape[-1]], weight, bias, epsilon)


def _normed_backward(gradient, states, mean, scale, weight, bias):
    return aten.native_layer_norm_backward(
        gradient, states, [states.shape[-1]], mean, scale, weight, bias, [True, True, True]
    )


class Layer(torch.autograd.Function):
    """Attention and feed-forward, each followed by dropout, residual and normalisation.

    Args:
        states: [T, d].
        mask: added to attention's scores, [R, 1, L, L] or [R, 1, 1, L].
        wanted: [N] the distinct places among T whose results are asked for; None: all.
        shape: R, L.
        settings: what is not trained.
        weights: weight and bias of query, key, value, output, its normalisation, intermediate,
            second output, its normalisation.

    Returns:
        [N, d].
    """

    @staticmethod
    def forward(ctx, states, mask, wanted, shape, settings, *weights):
        projections, (output, output_bias, first, first_bias, *feed) = weights[:6], weights[6:]
        matrix, offset = torch.cat(projections[::2]), torch.cat(projections[1::2])
        mixed = torch.addmm(offset, states, matrix.t())
        heads = mixed.view(*shape, 3, settings.heads, -1).permute(2, 0, 3, 1, 4).contiguous()
        query, key, value = heads
        query.mul_(query.shape[-1] ** -0.5)
        seen = torch.softmax(torch.matmul(query, key.transpose(2, 3)).add_(mask), -1)
        seen_kept = kept(seen, settings.drop_seen)
        used = seen if seen_kept is None else seen * seen_kept
        context = torch.matmul(used, value).transpose(1, 2).reshape(len(states), -1)
        draws, residual = kept(states, settings.drops[0]), states
        if wanted is not None:
            context, residual = context[wanted], states[wanted]
            draws = None if draws is None else draws[wanted]
        summed = torch.addmm(output_bias, context, output.t())
        summed = (summed if draws is None else summed.mul_(draws)).add_(residual)
        middle, *moments = _normed(summed, first, first_bias, settings.epsilons[0])
        whole = (states, wanted)
        result, fed = _feed(middle, feed, settings, whole)
        ctx.save_for_backward(
            states, wanted, matrix, heads, seen, seen_kept, used, context, draws, summed,
            *moments, output, first, first_bias, *fed, *feed,
        )  # fmt: skip
        ctx.shape = shape
        return result

    @staticmethod
    def backward(ctx, gradient):
        states, wanted, matrix, heads, seen, seen_kept, used, context, draws, summed, *rest = (
            ctx.saved_tensors
        )
        mean, scale, output, first, first_bias, *feed = rest
        of_middle, *of_feed = _feed_backward(gradient.contiguous(), *feed)
        of_summed, of_first, of_first_bias = _normed_backward(
            of_middle, summed, mean, scale, first, first_bias
        )
        of_attended = of_summed if draws is None else of_summed * draws
        of_output, of_output_bias = torch.mm(of_attended.t(), context), of_attended.sum(0)
        of_context = torch.mm(of_attended, output)
        if wanted is not None:
            of_context = _everywhere(of_context, wanted, len(states))
            of_summed = _everywhere(of_summed, wanted, len(states))
        of_mixed = _attention_backward(of_context, ctx.shape, heads, seen, seen_kept, used)
        of_states = of_summed.addmm_(of_mixed, matrix)
        of_projections = zip(
            torch.mm(of_mixed.t(), states).chunk(3), of_mixed.sum(0).chunk(3), strict=True
        )
        of_weights = [part for pair in of_projections for part in pair]
        of_weights += [of_output, of_output_bias, of_first, of_first_bias, *of_feed]
        return of_states, None, None, None, None, *of_weights


def _everywhere(rows, wanted, count: int) -> torch.Tensor:
    """Rows [N, d] at their places among `count`, zeros elsewhere."""
    return rows.new_zeros(count, rows.shape[1]).index_copy_(0, wanted, rows)


def _feed(middle, weights, settings: Settings, whole) -> tuple[torch.Tensor, tuple]:
    """The feed-forward half of states [N, d], and what its gradient needs.

    Dropout draws for all states, those that are asked for or not, as the stock layer does.
    """
    enter, enter_bias, leave, leave_bias, second, second_bias = weights
    states, wanted = whole
    entered = torch.addmm(enter_bias, middle, enter.t())
    neurons = functional.gelu(entered)
    summed = torch.addmm(leave_bias, neurons, leave.t())
    draws = kept(states, settings.drops[1])
    if draws is not None:
        draws = draws if wanted is None else draws[wanted]
        summed.mul_(draws)
    summed.add_(middle)
    result, *moments = _normed(summed, second, second_bias, settings.epsilons[1])
    return result, (middle, entered, neurons, draws, summed, *moments)


def _feed_backward(gradient, middle, entered, neurons, draws, summed, mean, scale, *weights):
    """Gradients of the state before the feed-forward, and of its six parameters."""
    enter, _, leave, _, second, second_bias = weights
    of_summed, of_second, of_second_bias = _normed_backward(
        gradient, summed, mean, scale, second, second_bias
    )
    of_left = of_summed if draws is None else of_summed * draws
    of_leave, of_leave_bias = torch.mm(of_left.t(), neurons), of_left.sum(0)
    of_entered = aten.gelu_backward(torch.mm(of_left, leave), entered)
    of_enter, of_enter_bias = torch.mm(of_entered.t(), middle), of_entered.sum(0)
    of_middle = of_summed.addmm_(of_entered, enter)
    parameters = (of_enter, of_enter_bias, of_leave, of_leave_bias, of_second, of_second_bias)
    return of_middle, *parameters


def _attention_backward(gradient, shape, heads, seen, seen_kept, used) -> torch.Tensor:
    """Gradient [T, 3 H D] of queries before they were scaled, keys and values."""
    query, key, value = heads
    gradient = gradient.view(*shape, query.shape[1], -1).transpose(1, 2).contiguous()
    of_used = torch.matmul(gradient, value.transpose(2, 3))
    of_seen = of_used if seen_kept is None else of_used.mul_(seen_kept)
    of_scores = aten._softmax_backward_data(of_seen, seen, -1, seen.dtype)
    of_heads = torch.empty_like(heads)
    torch.matmul(of_scores, key, out=of_heads[0]).mul_(query.shape[-1] ** -0.5)
    torch.matmul(of_scores.transpose(2, 3), query, out=of_heads[1])
    torch.matmul(used.transpose(2, 3), gradient, out=of_heads[2])
    return of_heads.permute(1, 3, 0, 2, 4).reshape(shape[0] * shape[1], -1)
