"""One forward pass over a batch: scores of the labelled positions only."""

import torch
import torch.nn.functional as functional

from lethe.data.batches import Batch
from lethe.data.masked_batches import MaskedBatch
from lethe.data.seq2seq_batches import Seq2SeqBatch
from lethe.models import chunked_loss, masked_forward, seq2seq_forward
from lethe.models.document_masks import additive, same

# Models whose logits are the output embeddings applied to the last hidden state, nothing after it.
PLAIN_HEADS = {"llama", "bloom", "gpt_neox", "opt", "qwen2", "gpt2"}
# Decoders in which restarting positions keep packed examples apart; OPT counts its positions by
# them and takes a ready mask; BLOOM has a bias of its own. The tests prove each. Others may ignore
# positions without a word, and have one example a row.
POSITIONS_KEEP_APART = {"llama", "qwen2", "gpt_neox", "gpt2"}
KEEP_APART = POSITIONS_KEEP_APART | {"opt", "bloom"}


def label_logits(model, batch: Batch) -> torch.Tensor:
    """Logits [N, vocabulary] at the labelled positions of a model of whatever family.

    In a decoder, attention is kept within examples, see `inputs`.
    """
    if isinstance(batch, MaskedBatch):
        return masked_forward.label_logits(model, batch)
    features, layer = before_logits(model, batch)
    return layer(features)


def before_logits(model, batch: Batch) -> tuple[torch.Tensor, torch.nn.Module]:
    """Of the labelled positions, what logits are made of, [N, width], and what makes them.

    A model whose last layer is not known has its logits made already.
    """
    if isinstance(batch, Seq2SeqBatch):
        return seq2seq_forward.before_logits(model, batch)
    if model.config.model_type in PLAIN_HEADS:
        hidden = model.base_model(**inputs(model, batch)).last_hidden_state
        return picked(hidden, batch), model.get_output_embeddings()
    return picked(model(**inputs(model, batch)).logits, batch), torch.nn.Identity()


def inputs(model, batch: Batch) -> dict:
    """What a decoder is called with, so that every example is computed as if it were alone.

    Mostly the restarting position ids are enough: transformers builds the block-diagonal mask from
    them, which needs `use_cache=False` and no attention mask.
    """
    kind = model.config.model_type
    named = {"input_ids": batch.input_ids, "position_ids": batch.position_ids, "use_cache": False}
    if kind == "bloom":
        from lethe.models import bloom_attention  # imports BLOOM, which few jobs need

        bloom_attention.take_biases(model)
        del named["position_ids"]
        named["attention_mask"] = bloom_attention.bias(batch, model.config.n_head)
    elif kind == "opt":
        documents = batch.document_ids
        named["attention_mask"] = additive(same(documents, documents).tril(), model.dtype)
    return named


def picked(states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """States [N, width] at the labelled positions, of states [R, L, width] on whatever device."""
    return states.flatten(0, 1)[batch.label_positions.to(states.device)]


def token_losses(model, batch: Batch) -> torch.Tensor:
    """Negative log-likelihood [N] of every label, in nats."""
    logits = label_logits(model, batch).float()
    targets = batch.targets.to(logits.device)
    return functional.cross_entropy(logits, targets, reduction="none")


def weighted_loss(model, batch: Batch) -> torch.Tensor:
    """The plain training loss: label losses with the batch's weights (scalar, nats)."""
    if isinstance(batch, MaskedBatch):
        hidden = masked_forward.hidden_states(model, batch)
        return masked_forward.weighted_loss(model, batch, hidden)
    features, layer = before_logits(model, batch)
    return chunked_loss.weighted_loss(features, layer, batch.targets, batch.weights)
