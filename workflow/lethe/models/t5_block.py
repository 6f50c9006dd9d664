"""One layer of a T5, of its encoder or decoder, as one operation on a processor.

transformers takes some fifty operations a layer, and automatic differentiation twice as many, which
is most of the time of a network of width 64. Here query, key and value are one product, and what
can be is computed in place. Dropout draws the numbers that the stock layer draws, in its order.
Raffel et al. 2020, "Exploring the limits of transfer learning", section 2.1 (normalised before, no
biases, scores not scaled); Shazeer 2020, "GLU variants improve Transformer", for the gated form.

Shapes: R rows of L tokens here and S in the encoder, T = R x L or R x S tokens, width d, H heads of
size D, feed-forward width F.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch.autograd.function import once_differentiable

from lethe.models.dropout_draws import kept
from lethe.models.rms_norm import normed, normed_backward

aten = torch.ops.aten

ACTIVATIONS = {
    "relu": (torch.relu, lambda gradient, entered: aten.threshold_backward(gradient, entered, 0)),
    "gelu_new": (
        lambda entered: functional.gelu(entered, approximate="tanh"),
        lambda gradient, entered: aten.gelu_backward(gradient, entered, approximate="tanh"),
    ),
}
"""By transformers' name: the function, and its gradient from the result's and the argument."""


@dataclass(frozen=True)
class Settings:
    """rows: R. heads: H. activation: of `ACTIVATIONS`. epsilons: of a normalisation for each part.

    drops: for each part the shares dropped within (attention's weights, neurons) and of its output.
    """

    rows: int
    heads: int
    activation: str
    epsilons: tuple[float, ...]
    drops: tuple[tuple[float, float], ...]


class Layer(torch.autograd.Function):
    """Attention to the own side, in a decoder to the encoder, and the feed-forward part.

    Each part: states + dropout(part(normalised states)).

    Args:
        states: [T, d] of this side.
        encoded: [R x S, d] last states of the encoder; None: this is a layer of it.
        bias: added to the scores of the own side, by distance and mask, [R, H, L, L].
        across: added to the scores of the encoder's states, [R, H, L, S], without a gradient.
        settings: what is not trained.
        weights: normalisation, query, key, value and output of one attention or two; normalisation,
            the maps to neurons (two if gated: the gate first) and the one back.

    Returns:
        [T, d].
    """

    @staticmethod
    def forward(ctx, states, encoded, bias, across, settings, *weights):
        attentions = [(None, bias)] if encoded is None else [(None, bias), (encoded, across)]
        kept_parts = []
        for number, (source, scores) in enumerate(attentions):
            own = weights[5 * number : 5 * number + 5]
            states, part = _attend(states, source, scores, own, settings, number)
            kept_parts.append(part)
        states, part = _feed(states, weights[5 * len(attentions) :], settings)
        ctx.lengths = [len(part) for part in (*kept_parts, part)]
        ctx.save_for_backward(*(tensor for part in (*kept_parts, part) for tensor in part))
        ctx.settings, ctx.in_encoder = settings, encoded is None
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        saved, settings = iter(ctx.saved_tensors), ctx.settings
        own, *more = [[next(saved) for _ in range(length)] for length in ctx.lengths]
        *crossed, feed = more
        gradient, *of_feed = _feed_backward(gradient.contiguous(), settings, *feed)
        of_encoded, of_crossed = None, []
        for part in crossed:
            gradient, of_encoded, _, *of_crossed = _attend_backward(gradient, settings, *part)
        gradient, _, of_bias, *of_own = _attend_backward(gradient, settings, *own)
        return gradient, of_encoded, of_bias, None, None, *of_own, *of_crossed, *of_feed


class ByDistance(torch.autograd.Function):
    """What a bucket of distances adds to the scores, [buckets, H], by query and key [H, L, L].

    A lookup by query and key has L x L rows, whose gradient torch adds up one after the other;
    there are 2 L - 1 distances, and `buckets` [2 L - 1] says which bucket each falls into.
    """

    @staticmethod
    def forward(ctx, weight, buckets):
        ctx.save_for_backward(buckets)
        ctx.count = len(weight)
        # Keys from distance 1 - L on are the last query's, so queries come in reverse.
        return weight[buckets].t().unfold(1, (len(buckets) + 1) // 2, 1).flip(1)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        (buckets,) = ctx.saved_tensors
        heads, length, _ = gradient.shape
        # Rows of 2 L numbers read as rows of 2 L - 1: each begins a place further left.
        shifted = functional.pad(gradient.flip(1), (0, length)).flatten(1)
        shifted = shifted[:, : length * len(buckets)].view(heads, length, len(buckets))
        of_weight = gradient.new_zeros(ctx.count, heads)
        return of_weight.index_add_(0, buckets, shifted.sum(1).t()), None


def _split(mixed, count: int, settings: Settings) -> torch.Tensor:
    """Heads [count, R H, L, D] of projections [T, count H D]."""
    size = mixed.shape[1] // (count * settings.heads)
    heads = mixed.view(settings.rows, -1, count, settings.heads, size)
    return heads.permute(2, 0, 3, 1, 4).contiguous().flatten(1, 2)


def _joined(heads, settings: Settings) -> torch.Tensor:
    """Projections [T, count H D] of heads [count, R H, L, D]."""
    count, _, length, size = heads.shape
    heads = heads.view(count, settings.rows, settings.heads, length, size)
    return heads.permute(1, 3, 0, 2, 4).reshape(settings.rows * length, -1)


def _left(states, inside, output, drop) -> tuple[torch.Tensor, torch.Tensor | None]:
    """states + dropout(inside x output), and what dropout multiplied with."""
    draws = kept(states, drop)
    if draws is None:
        return torch.addmm(states, inside, output.t()), None
    return torch.mm(inside, output.t()).mul_(draws).add_(states), draws


def _attend(states, encoded, scores, weights, settings: Settings, number: int):
    """One attention of states [T, d], and what its gradient needs.

    Args:
        encoded: [R x S, d] what is attended to; None: the states themselves.
        scores: added to those of queries and keys, [R, H, L, L] or [R, H, L, S].
        number: which part of the layer it is.
    """
    norm, query, key, value, output = weights
    drop_seen, drop = settings.drops[number]
    read, scale = normed(states, norm, settings.epsilons[number])
    if encoded is None:
        own, other = torch.cat([query, key, value]), None
        queries, keys, values = _split(torch.mm(read, own.t()), 3, settings)
    else:
        own, other = query, torch.cat([key, value])
        (queries,) = _split(torch.mm(read, own.t()), 1, settings)
        keys, values = _split(torch.mm(encoded, other.t()), 2, settings)
    scores = torch.baddbmm(scores.flatten(0, 1), queries, keys.transpose(1, 2))
    seen = torch.softmax(scores, -1)
    seen_draws = kept(seen, drop_seen)
    used = seen if seen_draws is None else seen * seen_draws
    context = _joined(torch.bmm(used, values)[None], settings)
    result, draws = _left(states, context, output, drop)
    projections = (read, scale, own, encoded, other)
    attention = (queries, keys, values, seen, seen_draws, used)
    return result, (states, norm, *projections, *attention, context, draws, output)


def _attend_backward(gradient, settings: Settings, states, norm, *saved):
    """Gradients of states, encoded, scores, normalisation, query, key, value and output."""
    read, scale, own, encoded, other, *attention, context, draws, output = saved
    of_left = gradient if draws is None else gradient * draws
    of_output = torch.mm(of_left.t(), context)
    (of_context,) = _split(torch.mm(of_left, output), 1, settings)
    of_heads, of_other_heads, of_scores = _heads_backward(of_context, other is not None, *attention)
    of_mixed = _joined(of_heads, settings)
    of_own, of_read = torch.mm(of_mixed.t(), read), torch.mm(of_mixed, own)
    of_states, of_norm = normed_backward(of_read, states, scale, norm)
    of_scores = of_scores.view(settings.rows, settings.heads, *of_scores.shape[1:])
    if other is None:
        of_encoded, of_projections = None, of_own.chunk(3)
    else:
        of_mixed = _joined(of_other_heads, settings)
        of_projections = (of_own, *torch.mm(of_mixed.t(), encoded).chunk(2))
        of_encoded = torch.mm(of_mixed, other)
    return of_states.add_(gradient), of_encoded, of_scores, of_norm, *of_projections, of_output


def _heads_backward(gradient, crosses, queries, keys, values, seen, seen_draws, used):
    """Gradients of own heads [1 or 3, R H, L, D], of others [2, R H, S, D], and of scores."""
    of_own = queries.new_empty(1 if crosses else 3, *queries.shape)
    of_others = keys.new_empty(2, *keys.shape) if crosses else of_own[1:]
    of_used = torch.bmm(gradient, values.transpose(1, 2))
    of_seen = of_used if seen_draws is None else of_used.mul_(seen_draws)
    of_scores = aten._softmax_backward_data(of_seen, seen, -1, seen.dtype)
    torch.bmm(of_scores, keys, out=of_own[0])
    torch.bmm(of_scores.transpose(1, 2), queries, out=of_others[0])
    torch.bmm(used.transpose(1, 2), gradient, out=of_others[1])
    return of_own, of_others, of_scores


def _feed(states, weights, settings: Settings):
    """The feed-forward part of states [T, d], and what its gradient needs."""
    norm, enter, *linear, leave = weights
    drop_neurons, drop = settings.drops[-1]
    activate, _ = ACTIVATIONS[settings.activation]
    read, scale = normed(states, norm, settings.epsilons[-1])
    entered = torch.mm(read, enter.t())
    opened, raised = activate(entered), None
    neurons = opened
    if linear:
        raised = torch.mm(read, linear[0].t())
        neurons = opened * raised
    neuron_draws = kept(neurons, drop_neurons)
    if neuron_draws is not None:
        neurons = neurons * neuron_draws
    result, draws = _left(states, neurons, leave, drop)
    inside = (entered, opened, raised, neurons, neuron_draws)
    return result, (states, norm, read, scale, *inside, draws, leave, enter, *linear)


def _feed_backward(gradient, settings: Settings, states, norm, read, scale, *saved):
    """Gradients of states, normalisation, the maps to neurons and the one back."""
    entered, opened, raised, neurons, neuron_draws, draws, leave, enter, *linear = saved
    _, activated_backward = ACTIVATIONS[settings.activation]
    of_left = gradient if draws is None else gradient * draws
    of_leave = torch.mm(of_left.t(), neurons)
    of_neurons = torch.mm(of_left, leave)
    if neuron_draws is not None:
        of_neurons.mul_(neuron_draws)
    of_linear = []
    of_opened = of_neurons
    if linear:
        of_raised = of_neurons * opened
        of_linear = [torch.mm(of_raised.t(), read)]
        of_opened = of_neurons.mul_(raised)
    of_entered = activated_backward(of_opened, entered)
    of_enter = torch.mm(of_entered.t(), read)
    of_read = torch.mm(of_entered, enter)
    if linear:
        of_read.addmm_(of_raised, linear[0])
    of_states, of_norm = normed_backward(of_read, states, scale, norm)
    return of_states.add_(gradient), of_norm, of_enter, *of_linear, of_leave
