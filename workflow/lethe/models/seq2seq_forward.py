"""One forward pass of an encoder-decoder over a batch: scores of the labelled positions only."""

import torch

from lethe.data.seq2seq_batches import Seq2SeqBatch
from lethe.errors import UserError
from lethe.models import t5_forward
from lethe.models.attention import additive, same
from lethe.models.kinds import kind_of


def before_logits(model, batch: Seq2SeqBatch) -> tuple[torch.Tensor, torch.nn.Module]:
    """Inputs [N, width] of the output layer at the labelled positions, and that layer.

    Raises:
        UserError: a packed batch for a model that cannot keep packed examples apart.
    """
    if kind_of(model.config.model_type).packing != "masks":
        return _padded_logits(model, batch), torch.nn.Identity()
    hidden = decoder_states(model, batch).flatten(0, 1)[batch.label_positions]
    return scaled(model, hidden), model.get_output_embeddings()


def decoder_states(model, batch: Seq2SeqBatch) -> torch.Tensor:
    """Last hidden states [R, L, width] of a T5, every example by itself."""
    if t5_forward.applies(model):
        return t5_forward.decoder_states(model, batch)
    documents, sources = batch.document_ids, batch.encoder_document_ids
    encoded = model.encoder(
        input_ids=batch.encoder_ids,
        attention_mask=additive(same(sources, sources), model.dtype),
    ).last_hidden_state
    return model.decoder(
        input_ids=batch.input_ids,
        attention_mask=additive(same(documents, documents).tril(), model.dtype),
        encoder_hidden_states=encoded,
        encoder_attention_mask=additive(same(documents, sources), model.dtype),
        use_cache=False,
    ).last_hidden_state


def head(model, hidden: torch.Tensor) -> torch.Tensor:
    """Logits from a T5's last hidden states."""
    return model.get_output_embeddings()(scaled(model, hidden))


def scaled(model, hidden: torch.Tensor) -> torch.Tensor:
    """A T5's last hidden states as its output embeddings expect them; the first T5 scales them."""
    if getattr(model.config, "scale_decoder_outputs", False):
        return hidden * model.config.d_model**-0.5
    return hidden


def _padded_logits(model, batch: Seq2SeqBatch) -> torch.Tensor:
    if len(batch.example_ids) > len(batch.input_ids):
        raise UserError(
            f"Models of type {model.config.model_type!r} cannot keep packed examples apart; set "
            "`packed: false` in the recipe."
        )
    logits = model(
        input_ids=batch.encoder_ids,
        attention_mask=(batch.encoder_document_ids >= 0).long(),
        decoder_input_ids=batch.input_ids,
        use_cache=False,
    ).logits
    return logits.flatten(0, 1)[batch.label_positions]
