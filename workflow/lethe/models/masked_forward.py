"""One forward pass of a masked language model: its head on the labelled positions only."""

import torch
import torch.nn.functional as functional

from lethe.data.masked_batches import MaskedBatch
from lethe.errors import UserError
from lethe.models import chunked_loss, roberta_forward
from lethe.models.attention import additive, same
from lethe.models.kinds import kind_of, known_with


def hidden_states(model, batch: MaskedBatch, input_ids: torch.Tensor | None = None) -> torch.Tensor:
    """Last hidden states [R, L, width] of the encoder.

    Args:
        input_ids: [R, L] tokens to use in place of the batch's masked ones, such as its originals.
    """
    tokens = batch.input_ids if input_ids is None else input_ids
    if roberta_forward.applies(model):
        return _own_states(model, batch, tokens)
    named = {"attention_mask": batch.attention_mask}
    if batch.unpadded:
        allowed = same(batch.document_ids, batch.document_ids)
        named = {"attention_mask": additive(allowed, model.dtype)}
        named["position_ids"] = _positions(model, tokens, batch.position_ids)
    return model.base_model(input_ids=tokens, **named).last_hidden_state


def label_states(model, batch: MaskedBatch) -> torch.Tensor:
    """Last hidden states [N, width] at the masked positions."""
    if roberta_forward.applies(model):
        return _own_states(model, batch, batch.input_ids, batch.label_positions)
    return hidden_states(model, batch).flatten(0, 1)[batch.label_positions]


def _own_states(model, batch: MaskedBatch, tokens, places=None) -> torch.Tensor:
    if not batch.unpadded:
        seen = batch.attention_mask[:, None].bool()
        return roberta_forward.last_states(model, tokens, seen, places=places)
    positions = _positions(model, tokens, batch.position_ids)
    seen = same(batch.document_ids, batch.document_ids)
    return roberta_forward.last_states(model, tokens, seen, positions, places)


def _positions(model, tokens: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Positions [R, L] as the model counts them in every example, from places within examples.

    RoBERTa counts from the id of the padding token and skips padding tokens, which a random swap
    can also put into an example. BERT counts from 0.
    """
    if kind_of(model.config.model_type).positions != "table after padding":
        return places
    padding = model.config.pad_token_id
    counted = (tokens != padding).long()
    before = counted.cumsum(1) - counted
    starts = torch.arange(tokens.shape[1], device=tokens.device) - places
    return (before + 1 - before.gather(1, starts)) * counted + padding


def head(model):
    """The module that turns hidden states [N, width] into logits [N, vocabulary].

    Raises:
        UserError: its name is not known for this type of model.
    """
    name = kind_of(model.config.model_type).head
    if name is None:
        raise UserError(
            f"Masked language models of type {model.config.model_type!r} are not supported; "
            f"supported are {known_with('head')}."
        )
    return getattr(model, name)


def label_logits(model, batch: MaskedBatch, hidden: torch.Tensor | None = None) -> torch.Tensor:
    """Logits [N, vocabulary] at the masked positions; `hidden` states are computed if None."""
    make_logits = head(model)
    if hidden is None:
        return make_logits(label_states(model, batch))
    return make_logits(hidden.flatten(0, 1)[batch.label_positions])


def weighted_loss(model, batch: MaskedBatch, hidden: torch.Tensor | None = None) -> torch.Tensor:
    """The plain training loss (scalar, nats); `hidden` states are computed if None."""
    if hidden is None:
        states = label_states(model, batch)
    else:
        states = hidden.flatten(0, 1)[batch.label_positions]
    layer = head(model)
    if chunked_loss.is_large(len(states), model.config.vocab_size):
        states, layer = _before_logits(layer, states)
    return chunked_loss.weighted_loss(states, layer, batch.targets, batch.weights)


def _before_logits(head, states: torch.Tensor) -> tuple[torch.Tensor, torch.nn.Module]:
    """Inputs of a head's last layer, and that layer."""
    if hasattr(head, "predictions"):
        return head.predictions.transform(states), head.predictions.decoder
    return head.layer_norm(functional.gelu(head.dense(states))), head.decoder
