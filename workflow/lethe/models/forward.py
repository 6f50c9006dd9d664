"""One forward pass over a batch: scores of the labelled positions only."""

import torch
import torch.nn.functional as functional

from lethe.data.batches import Batch
from lethe.data.masked_batches import MaskedBatch
from lethe.data.seq2seq_batches import Seq2SeqBatch
from lethe.models import chunked_loss, llama_forward, masked_forward, seq2seq_forward
from lethe.models.attention import additive, same
from lethe.models.chunked_loss import arithmetic_dtype
from lethe.models.kinds import kind_of


def label_logits(model, batch: Batch) -> torch.Tensor:
    """Logits [N, vocabulary] at the labelled positions of a model of any family.

    In a decoder, attention stays within examples, see `inputs`.
    """
    if isinstance(batch, MaskedBatch):
        return masked_forward.label_logits(model, batch)
    features, layer = before_logits(model, batch)
    return layer(features)


def before_logits(model, batch: Batch) -> tuple[torch.Tensor, torch.nn.Module]:
    """Inputs [N, width] of the output layer at the labelled positions, and that layer.

    If the last layer of a model is not known, its logits and the identity are returned.
    """
    if isinstance(batch, Seq2SeqBatch):
        return seq2seq_forward.before_logits(model, batch)
    if llama_forward.applies(model):
        hidden = llama_forward.states_at(model, batch, batch.label_positions)
        return hidden, model.get_output_embeddings()
    if kind_of(model.config.model_type).plain_head:
        hidden = model.base_model(**inputs(model, batch)).last_hidden_state
        return picked(hidden, batch), model.get_output_embeddings()
    return picked(model(**inputs(model, batch)).logits, batch), torch.nn.Identity()


def inputs(model, batch: Batch) -> dict:
    """Arguments of a decoder's forward pass that compute every example as if it were alone.

    Usually position ids that restart are enough: transformers builds the block-diagonal mask from
    them if `use_cache=False` and there is no attention mask. An unknown decoder has one example per
    row, from the first place on, and needs neither.
    """
    packing, documents = kind_of(model.config.model_type).packing, batch.document_ids
    named = {"input_ids": batch.input_ids, "use_cache": False}
    if packing == "bias":
        from lethe.models import bloom_attention  # imports BLOOM, which few jobs need

        bloom_attention.take_biases(model)
        dtype = arithmetic_dtype(batch.input_ids.device, model.dtype)
        bias = bloom_attention.bias(batch, model.config.n_head, dtype)
        return {**named, "attention_mask": bias}
    if packing is not None:
        named["position_ids"] = batch.position_ids
    if packing == "positions and mask":
        named["attention_mask"] = additive(same(documents, documents).tril(), model.dtype)
    return named


def picked(states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """States [N, width] at the labelled positions, from states [R, L, width] on any device."""
    return states.flatten(0, 1)[batch.label_positions.to(states.device)]


def token_losses(model, batch: Batch) -> torch.Tensor:
    """Negative log-likelihood [N] of every label, in nats."""
    logits = label_logits(model, batch).float()
    targets = batch.targets.to(logits.device)
    return functional.cross_entropy(logits, targets, reduction="none")


def weighted_loss(model, batch: Batch) -> torch.Tensor:
    """The plain training loss: label losses with the batch's weights (scalar, nats)."""
    if isinstance(batch, MaskedBatch):
        return masked_forward.weighted_loss(model, batch)
    features, layer = before_logits(model, batch)
    return chunked_loss.weighted_loss(features, layer, batch.targets, batch.weights)
