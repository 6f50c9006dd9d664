"""Importances of an encoder's units: for the general knowledge, and for a domain's."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as functional

from lethe.data.masked_batches import MaskedBatch
from lethe.errors import UserError
from lethe.methods.parts.softmask.gates import Importance, recorded
from lethe.models import masked_forward
from lethe.models.encoder_units import Encoder, encoder_of

# A layer whose spread is within rounding of its values is constant.
CONSTANT = 1e-6


def gate_importance(
    encoder: Encoder,
    batches: Iterable[MaskedBatch],
    loss: Callable[[MaskedBatch], torch.Tensor],
    signed: bool = False,
) -> Importance:
    """Eq. 3: mean over samples of the absolute gradient of the loss by every gate.

    Args:
        loss: batch -> SUM over its samples of losses of single samples.
        signed: leave the absolute value out, as the authors' code does.

    Returns:
        [layers, units] of every place, not normalised.

    Raises:
        UserError: there is no sample, or a gradient is not finite.
    """
    sums: Importance = {}
    count = 0
    for batch in batches:
        with recorded(encoder) as gates:
            gradients = gates.gradients(loss(batch), batch.document_ids >= 0)
        for place, values in gradients.items():
            added = (values if signed else values.abs()).sum(0)
            sums[place] = sums[place] + added if place in sums else added
        count += len(batch.input_ids)
    if not count:
        raise UserError("An importance needs at least one sample, and there is none.")
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
        tokens: [B, L] true on tokens; padding takes no part, in sums and distributions alike.
    """
    first, second = first.float(), second.float()
    if tokens is not None:
        padding = ~tokens.bool().unsqueeze(-1).to(first.device)
        # On the axis of positions padding has to have no probability; finite, for the gradient.
        value = -1e9 if axis == 1 else 0.0
        first, second = first.masked_fill(padding, value), second.masked_fill(padding, value)
    return functional.kl_div(
        functional.log_softmax(second, axis),
        functional.log_softmax(first, axis),
        reduction="sum",
        log_target=True,
    )


def proxy_loss(model, batch: MaskedBatch, axis: str) -> torch.Tensor:
    """Eq. 4: KL between two passes that differ in their dropout, summed over samples.

    Args:
        axis: what the distributions are over: `hidden` (units of the last hidden state),
            `vocabulary` (the scores at the masked positions), or `position` (the tokens of a
            sample, one distribution a hidden unit; the authors' code).
    """
    states = [masked_forward.hidden_states(model, batch) for _ in range(2)]
    if axis == "vocabulary":
        scores = [masked_forward.label_logits(model, batch, hidden) for hidden in states]
        return divergence(*scores, axis=-1)
    return divergence(*states, axis=1 if axis == "position" else 2, tokens=batch.document_ids >= 0)


def masked_loss(model, batch: MaskedBatch, original: bool = False) -> torch.Tensor:
    """The loss of Eq. 9: sum over samples of the mean loss of a sample's labels (nats).

    Args:
        original: feed the tokens before masking, a copying task, as the authors' code does.
    """
    hidden = masked_forward.hidden_states(model, batch, batch.original_ids if original else None)
    scores = masked_forward.label_logits(model, batch, hidden).float()
    losses = functional.cross_entropy(scores, batch.targets, reduction="none")
    labels = torch.bincount(batch.label_documents, minlength=len(batch.input_ids))
    return (losses / labels[batch.label_documents]).sum()


def proxy_importance(
    model, batches: Iterable[MaskedBatch], *, axis: str, dropout: bool, signed: bool
) -> Importance:
    """I^(0): Eq. 3 with the proxy of Eq. 4, not normalised.

    Args:
        dropout: without it both passes are equal and the gradient is rounding noise, which the
            normalisation then blows up: the state of the authors' code.

    Raises:
        UserError: dropout is asked for and the model has none.
    """
    if dropout and not has_dropout(model):
        raise UserError(
            "The KL proxy compares two dropout passes, and the model has no dropout: set it in the "
            "model's configuration, or `initialise: none` among the method's hyper-parameters."
        )
    with mode(model, dropout):
        return gate_importance(
            encoder_of(model), batches, lambda batch: proxy_loss(model, batch, axis), signed
        )


def domain_importance(
    model, batches: Iterable[MaskedBatch], *, original: bool, dropout: bool, signed: bool
) -> Importance:
    """I^(t): Eq. 9, that is Eq. 3 with the masked-language-model loss, not normalised."""
    with mode(model, dropout):
        return gate_importance(
            encoder_of(model), batches, lambda batch: masked_loss(model, batch, original), signed
        )


def random_importance(encoder: Encoder, generator: torch.Generator) -> Importance:
    """Standard normal draws: an importance that knows nothing."""
    return {p: torch.randn(s, generator=generator) for p, s in encoder.shapes().items()}


def normalised(importance: Importance, normalisation: str) -> Importance:
    """Importances in [0, 1], layer by layer: standardised, then tanh.

    `absolute` takes the absolute value: units far below the mean of their layer count as important
    too. `positive` puts zero for everything below the mean. A constant layer becomes zeros.
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
    """Eq. 5: elementwise maximum of normalised importances; the later ones if there are none."""
    if earlier is None:
        return later
    return {place: torch.maximum(earlier[place].to(later[place]), later[place]) for place in later}


def has_dropout(model) -> bool:
    """Whether two passes of a model in training mode differ."""
    return any(isinstance(m, torch.nn.Dropout) and m.p > 0 for m in model.modules())


@contextmanager
def mode(model, training: bool) -> Iterator[None]:
    """The model with or without dropout within, and as it was afterwards."""
    before = model.training
    model.train(training)
    try:
        yield
    finally:
        model.train(before)


QUANTILES = {"low": 0.1, "median": 0.5, "high": 0.9}
DECIMALS = 6


def summaries(known: dict[str, Importance]) -> dict[str, torch.Tensor]:
    """Every importance by place, of layers and, for heads, of each head.

    Args:
        known: importances by what they are of: `general`, `domain`, `accumulated`.

    Returns:
        `importance.OF.PLACE.MEASURE` [layers] with the measures `mean`, `above_half` (share of
        units above 0.5) and the deciles `low`, `median`, `high` of the layer's units; and
        `importance.OF.heads.unit` [layers, heads].
    """
    found = {}
    for of, places in known.items():
        for place, values in places.items():
            values = values.detach().double().cpu()
            name = f"importance.{of}.{place}"
            found[f"{name}.mean"] = values.mean(-1)
            found[f"{name}.above_half"] = (values > 0.5).double().mean(-1)
            for word, level in QUANTILES.items():
                found[f"{name}.{word}"] = values.quantile(level, -1)
            if place == "heads":
                found[f"{name}.unit"] = values
    return {name: value.round(decimals=DECIMALS) for name, value in found.items()}
