"""One forward pass over a batch: scores of the labelled positions only."""

import torch
import torch.nn.functional as functional

from lethe.data.batches import Batch
from lethe.data.masked_batches import MaskedBatch
from lethe.data.seq2seq_batches import Seq2SeqBatch
from lethe.models import masked_forward, seq2seq_forward

# Models whose logits are the output embeddings applied to the last hidden state, nothing after it.
PLAIN_HEADS = {"llama", "bloom", "gpt_neox", "opt", "qwen2", "gpt2"}
# Decoders in which restarting positions keep packed examples apart (the tests prove each); others
# may ignore them without a word, as BLOOM does, and have one example a row.
POSITIONS_KEEP_APART = {"llama", "qwen2", "gpt_neox", "gpt2"}


def label_logits(model, batch: Batch) -> torch.Tensor:
    """Logits [N, vocabulary] at the labelled positions of a model of whatever family.

    In a decoder, attention is kept within examples by the restarting position ids, from which
    transformers builds the block-diagonal mask; that needs `use_cache=False` and no attention mask.
    """
    if isinstance(batch, Seq2SeqBatch):
        return seq2seq_forward.label_logits(model, batch)
    if isinstance(batch, MaskedBatch):
        return masked_forward.label_logits(model, batch)
    inputs = {
        "input_ids": batch.input_ids,
        "position_ids": batch.position_ids,
        "use_cache": False,
    }
    if model.config.model_type in PLAIN_HEADS:
        hidden = model.base_model(**inputs).last_hidden_state
        return model.get_output_embeddings()(picked(hidden, batch))
    return picked(model(**inputs).logits, batch)


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
    losses = token_losses(model, batch)
    return (losses * batch.weights.to(losses.device)).sum()
