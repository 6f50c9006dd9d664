"""Importances of a network's units, for general knowledge and for a stage's knowledge."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext

import torch
import torch.nn.functional as functional

from lethe.data.batches import Batch
from lethe.data.masked_batches import MaskedBatch
from lethe.errors import UserError
from lethe.methods.parts.softmask.gates import Importance, recorded
from lethe.methods.parts.softmask.views import View, has_dropout
from lethe.models import forward
from lethe.models.last_states import label_logits, last_states
from lethe.models.units import Units, units_of

# A layer whose spread is within rounding of its values is constant.
CONSTANT = 1e-6


def gate_importance(
    units: Units,
    batches: Iterable[Batch],
    loss: Callable[[Batch], torch.Tensor],
    signed: bool = False,
) -> Importance:
    """Eq. 3: mean over texts of the loss's absolute gradient with respect to every gate.

    Args:
        loss: batch -> SUM of the losses of its texts.
        signed: omit the absolute value, as the authors' code does.

    Returns:
        [layers, units] of every place, not normalised.

    Raises:
        UserError: no texts, or a gradient that is not finite.
    """
    sums: Importance = {}
    count = 0
    for batch in batches:
        with recorded(units) as gates:
            gradients = gates.gradients(loss(batch), batch)
        for place, values in gradients.items():
            added = (values if signed else values.abs()).sum(0)
            sums[place] = sums[place] + added if place in sums else added
        count += len(batch.example_ids)
    if not count:
        raise UserError("An importance needs at least one sample, found none.")
    for place, values in sums.items():
        if not values.isfinite().all():
            raise UserError(f"The importance of {place} is not finite: the model has diverged.")
    return {place: values / count for place, values in sums.items()}


def divergence(
    first: torch.Tensor, second: torch.Tensor, axis: int, tokens: torch.Tensor | None = None
) -> torch.Tensor:
    """KL(softmax(first) || softmax(second)) along an axis, summed over everything else (nats).

    Args:
        first, second: states or scores of the same shape, [B, L, width] if tokens are given.
        tokens: [B, L] true on tokens; padding is left out of sums and distributions.
    """
    first, second = first.float(), second.float()
    if tokens is not None:
        padding = ~tokens.bool().unsqueeze(-1).to(first.device)
        # On the axis of positions padding must get probability 0; finite, for the gradient.
        value = -1e9 if axis == 1 else 0.0
        first, second = first.masked_fill(padding, value), second.masked_fill(padding, value)
    return functional.kl_div(
        functional.log_softmax(second, axis),
        functional.log_softmax(first, axis),
        reduction="sum",
        log_target=True,
    )


def proxy_loss(model, batch: Batch, axis: str, view: View = nullcontext) -> torch.Tensor:
    """Eq. 4: KL between two passes that differ in their dropout, summed over samples.

    Of a masked language model all states of a text count, of the others those that predict a label:
    all of a document's, and those of a response.

    Args:
        axis: support of the distributions: `hidden` (units of the last hidden state), `vocabulary`
            (at the labelled positions), or `position` (the tokens of a sample, one distribution per
            hidden unit; the authors' code, masked language models only).
        view: -> a context of one pass, with dropout in a network that has none of its own.
    """
    states = []
    for _ in range(2):
        with view():
            states.append(last_states(model, batch))
    if axis == "vocabulary":
        scores = [label_logits(model, batch, hidden) for hidden in states]
        return divergence(*scores, axis=-1)
    if not isinstance(batch, MaskedBatch):
        return divergence(*[forward.picked(hidden, batch) for hidden in states], axis=-1)
    return divergence(*states, axis=1 if axis == "position" else 2, tokens=batch.document_ids >= 0)


def task_loss(model, batch: Batch, original: bool = False) -> torch.Tensor:
    """The stage's own loss: sum over samples of the mean loss of a sample's labels (nats).

    The labels are those that the stage trains on: masked tokens, a document's tokens, or a
    response's.

    Args:
        original: use the tokens before masking, a copying task, as the authors' code does.
    """
    hidden = last_states(model, batch, original)
    scores = label_logits(model, batch, hidden).float()
    losses = functional.cross_entropy(scores, batch.targets.to(scores.device), reduction="none")
    labels = torch.bincount(batch.label_documents, minlength=len(batch.example_ids))
    return (losses / labels[batch.label_documents].to(losses.device)).sum()


def proxy_importance(
    model,
    batches: Iterable[Batch],
    *,
    axis: str,
    dropout: bool,
    signed: bool,
    view: View = nullcontext,
) -> Importance:
    """I^(0): Eq. 3 with the proxy of Eq. 4, not normalised.

    Args:
        dropout: without it both passes are equal and the gradient is rounding noise, which the
            normalisation then amplifies; this is what the authors' code does.
        view: as in `proxy_loss`.

    Raises:
        UserError: dropout is requested but the model has none.
    """
    if dropout and view is nullcontext and not has_dropout(model):
        raise UserError(
            "The KL proxy compares two dropout passes, but the model has no dropout: set it in the "
            "model's configuration, or set `initialise: none` in the method's hyper-parameters "
            "(off masked language models also `gate_dropout` above 0)."
        )
    with mode(model, dropout):
        return gate_importance(
            units_of(model), batches, lambda batch: proxy_loss(model, batch, axis, view), signed
        )


def domain_importance(
    model, batches: Iterable[Batch], *, original: bool, dropout: bool, signed: bool
) -> Importance:
    """I^(t): Eq. 3 with the stage's own loss, not normalised."""
    with mode(model, dropout):
        return gate_importance(
            units_of(model), batches, lambda batch: task_loss(model, batch, original), signed
        )


def random_importance(units: Units, generator: torch.Generator) -> Importance:
    """Standard normal draws: an importance without information."""
    return {p: torch.randn(s, generator=generator) for p, s in units.shapes().items()}


def normalised(importance: Importance, normalisation: str) -> Importance:
    """Importances in [0, 1], layer by layer: standardised, then tanh.

    `absolute` takes the absolute value: units far below their layer's mean count as important too.
    `positive` sets everything below the mean to zero. A constant layer becomes zeros.
    """
    return {place: _squashed(values, normalisation) for place, values in importance.items()}


def _squashed(values: torch.Tensor, normalisation: str) -> torch.Tensor:
    if values.shape[1] < 2:
        return torch.zeros_like(values)
    spread = values.std(1, keepdim=True)
    constant = spread <= CONSTANT * values.abs().amax(1, keepdim=True)
    standard = (values - values.mean(1, keepdim=True)) / spread.masked_fill(constant, 1.0)
    squashed = standard.masked_fill(constant, 0.0).tanh()
    return squashed.abs() if normalisation == "absolute" else squashed.clamp_min(0.0)


def accumulated(earlier: Importance | None, later: Importance) -> Importance:
    """Eq. 5: elementwise maximum of normalised importances; `later` if `earlier` is None."""
    if earlier is None:
        return later
    return {place: torch.maximum(earlier[place].to(later[place]), later[place]) for place in later}


@contextmanager
def mode(model, training: bool) -> Iterator[None]:
    """Within, the model is in training mode (dropout) or not; its mode is restored afterwards."""
    before = model.training
    model.train(training)
    try:
        yield
    finally:
        model.train(before)


QUANTILES = {"low": 0.1, "median": 0.5, "high": 0.9}
DECIMALS = 6


def summaries(importances: dict[str, Importance]) -> dict[str, torch.Tensor]:
    """Summaries of every importance by place, per layer and, for heads, per head.

    Args:
        importances: importances by kind: `general`, `domain`, `accumulated`.

    Returns:
        `importance.KIND.PLACE.MEASURE` [layers] with the measures `mean`, `above_half` (share of
        units above 0.5) and the quantiles `low`, `median`, `high` (0.1, 0.5, 0.9) of the layer's
        units; and `importance.KIND.heads.unit` [layers, heads].
    """
    measures = {}
    for kind, places in importances.items():
        for place, values in places.items():
            values = values.detach().double().cpu()
            name = f"importance.{kind}.{place}"
            measures[f"{name}.mean"] = values.mean(-1)
            measures[f"{name}.above_half"] = (values > 0.5).double().mean(-1)
            for word, level in QUANTILES.items():
                measures[f"{name}.{word}"] = values.quantile(level, -1)
            if place == "heads":
                measures[f"{name}.unit"] = values
    return {name: value.round(decimals=DECIMALS) for name, value in measures.items()}
