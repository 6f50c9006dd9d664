"""Last hidden states of a model of any family, and the loss made from states already computed."""

import torch

from lethe.data.batches import Batch
from lethe.data.masked_batches import MaskedBatch
from lethe.data.seq2seq_batches import Seq2SeqBatch
from lethe.errors import UserError
from lethe.models import chunked_loss, forward, masked_forward, seq2seq_forward
from lethe.models.kinds import kind_of, known_with


def last_states(model, batch: Batch, original: bool = False) -> torch.Tensor:
    """Last hidden states [R, L, width]; of an encoder-decoder, its decoder's.

    Args:
        original: for masked language models, read the tokens before masking.

    Raises:
        UserError: a decoder or encoder-decoder whose head is not known.
    """
    if isinstance(batch, MaskedBatch):
        tokens = batch.original_ids if original else None
        return masked_forward.hidden_states(model, batch, tokens)
    kind = kind_of(model.config.model_type)
    if isinstance(batch, Seq2SeqBatch) and kind.packing == "masks":
        return seq2seq_forward.decoder_states(model, batch)
    if kind.plain_head:
        return model.base_model(**forward.inputs(model, batch)).last_hidden_state
    raise UserError(
        f"Expected a model type whose last states are known ({known_with('units')}), found "
        f"{model.config.model_type!r}."
    )


def label_logits(model, batch: Batch, states: torch.Tensor) -> torch.Tensor:
    """Logits [N, vocabulary] at the labelled positions, from last hidden states."""
    if isinstance(batch, MaskedBatch):
        return masked_forward.label_logits(model, batch, states)
    return model.get_output_embeddings()(_before_logits(model, batch, states))


def weighted_loss(model, batch: Batch, states: torch.Tensor) -> torch.Tensor:
    """The plain training loss (scalar, nats), from last hidden states."""
    if isinstance(batch, MaskedBatch):
        return masked_forward.weighted_loss(model, batch, states)
    features, layer = _before_logits(model, batch, states), model.get_output_embeddings()
    return chunked_loss.weighted_loss(features, layer, batch.targets, batch.weights)


def _before_logits(model, batch: Batch, states: torch.Tensor) -> torch.Tensor:
    features = forward.picked(states, batch)
    return seq2seq_forward.scaled(model, features) if isinstance(batch, Seq2SeqBatch) else features
