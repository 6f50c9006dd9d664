"""A T5's pass on a processor, a layer an operation (`t5_block.py`).

As in `llama_forward.py`, a network that is not as transformers builds it, has hooks or is not in
float32 goes through transformers, with the same results up to rounding.
"""

from functools import lru_cache

import torch

from lethe.data.seq2seq_batches import Seq2SeqBatch
from lethe.models.attention import additive, same
from lethe.models.folded_lora import weight_of
from lethe.models.plain_modules import is_plain_float, operation_of
from lethe.models.rms_norm import Norm
from lethe.models.t5_block import ACTIVATIONS, ByDistance, Layer, Settings


def applies(model) -> bool:
    """Whether a network is a T5 whose pass can be computed here."""
    config = model.config
    if config.model_type not in ("t5", "mt5"):
        return False
    encoder, decoder = model.encoder, model.decoder
    # `shared` holds the embeddings' weights, and nobody calls it.
    called = (model.shared, encoder.embed_tokens, decoder.embed_tokens)
    return is_plain_float(model, *called) and (
        config.dense_act_fn in ACTIVATIONS
        and config.num_layers == len(encoder.block)
        and config.num_decoder_layers == len(decoder.block)
    )


def decoder_states(model, batch: Seq2SeqBatch) -> torch.Tensor:
    """Last hidden states [R, L, d] of the decoder, every example by itself."""
    documents, sources = batch.document_ids, batch.encoder_document_ids
    dtype = model.dtype
    mask = additive(same(sources, sources), dtype)
    encoded = _states(model.encoder, batch.encoder_ids, mask)
    mask = additive(same(documents, documents).tril(), dtype)
    across = additive(same(documents, sources), dtype)
    across = across.expand(-1, model.config.num_heads, -1, -1).contiguous()
    states = _states(model.decoder, batch.input_ids, mask, encoded, across)
    return states.view(*batch.input_ids.shape, -1)


def _states(stack, tokens, mask, encoded=None, across=None) -> torch.Tensor:
    """Last states [T, d] of encoder or decoder, of tokens [R, L]; arguments as of `Layer`."""
    bias = _bias(stack.block[0].layer[0].SelfAttention, tokens.shape[1]) + mask
    states = stack.dropout(stack.embed_tokens(tokens)).flatten(0, 1)
    for block in stack.block:
        settings = _settings(block, len(tokens), stack.config.dense_act_fn)
        arguments = (states, encoded, bias, across, settings, *_weights(block))
        states = operation_of(block, Layer.apply)(*arguments)
    norm = stack.final_layer_norm
    return stack.dropout(Norm.apply(states, norm.weight, norm.variance_epsilon))


def _bias(attention, length: int) -> torch.Tensor:
    """What distances add to attention's scores, [H, L, L]."""
    buckets = _buckets(
        type(attention),
        length,
        not attention.is_decoder,
        attention.relative_attention_num_buckets,
        attention.relative_attention_max_distance,
    )
    return ByDistance.apply(attention.relative_attention_bias.weight, buckets)


@lru_cache(maxsize=64)
def _buckets(kind, length: int, both_sides: bool, count: int, most: int) -> torch.Tensor:
    """The buckets [2 L - 1] of the distances of keys from queries, from 1 - L to L - 1."""
    # A tensor of inference mode could not be used in training later.
    with torch.inference_mode(False):
        return kind._relative_position_bucket(
            torch.arange(1 - length, length),
            bidirectional=both_sides,
            num_buckets=count,
            max_distance=most,
        )


def _attentions(block) -> list:
    """The layers of a block that attend, each with its attention."""
    first, *rest = block.layer[:-1]
    return [(first, first.SelfAttention), *((layer, layer.EncDecAttention) for layer in rest)]


def _settings(block, rows: int, activation: str) -> Settings:
    attentions, feed = _attentions(block), block.layer[-1]
    drops = [
        (inner.dropout if inner.training else 0.0, _dropped(layer.dropout))
        for layer, inner in attentions
    ]
    return Settings(
        rows,
        attentions[0][1].n_heads,
        activation,
        tuple(layer.layer_norm.variance_epsilon for layer in block.layer),
        (*drops, (_dropped(feed.DenseReluDense.dropout), _dropped(feed.dropout))),
    )


def _dropped(dropout: torch.nn.Dropout) -> float:
    return dropout.p if dropout.training else 0.0


def _weights(block) -> list[torch.Tensor]:
    """A layer's parameters in the order of `Layer`."""
    modules = []
    for layer, inner in _attentions(block):
        modules += [layer.layer_norm, inner.q, inner.k, inner.v, inner.o]
    feed = block.layer[-1].DenseReluDense
    enter = (feed.wi_0, feed.wi_1) if hasattr(feed, "wi_0") else (feed.wi,)
    modules += [block.layer[-1].layer_norm, *enter, feed.wo]
    return [weight_of(module) for module in modules]
