"""A LLaMA's forward pass on a processor, a layer an operation (`llama_block.py`).

It is taken for what it can do: float32 without autocast, layers as transformers builds them, no
hooks. Every other network goes through transformers, with the same results up to rounding. Weights,
names and saved checkpoints are those of the stock class either way.
"""

import torch

from lethe.data.batches import Batch
from lethe.models.attention import same
from lethe.models.folded_lora import weight_of
from lethe.models.llama_block import Layer
from lethe.models.plain_modules import is_plain_float, operation_of
from lethe.models.rms_norm import Norm

LEAST = torch.finfo(torch.float32).min


def applies(model) -> bool:
    """Whether a network is a LLaMA whose pass can be computed here."""
    config = model.config
    if config.model_type != "llama":
        return False
    return is_plain_float(model, model.base_model.embed_tokens) and (
        config.num_key_value_heads == config.num_attention_heads
        and config.hidden_act == "silu"
        and config.num_hidden_layers == len(model.base_model.layers)
        and config.rope_parameters["rope_type"] == "default"
        and not (config.attention_bias or config.mlp_bias or config.attention_dropout)
    )


def states_at(model, batch: Batch, places: torch.Tensor) -> torch.Tensor:
    """Last hidden states [N, d] at distinct places [N] of the R x L tokens, examples by themselves.

    After its attention the last layer computes those states alone.
    """
    inner, documents = model.base_model, batch.document_ids
    turns, back = _turns(inner.rotary_emb, batch.position_ids)
    mask = torch.where(same(documents, documents).tril(), 0.0, LEAST)[:, None]
    states = inner.embed_tokens(batch.input_ids).flatten(0, 1)
    for layer in inner.layers:
        wanted = places if layer is inner.layers[-1] else None
        epsilon = layer.input_layernorm.variance_epsilon
        size = layer.self_attn.head_dim
        settings = (turns, back, mask, wanted, size, epsilon)
        states = operation_of(layer, Layer.apply)(states, *settings, *_weights(layer))
    return Norm.apply(states, inner.norm.weight, inner.norm.variance_epsilon)


def _turns(rotary, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What turns queries and keys at positions [R, L], complex [R L, 1, D / 2]; its conjugate."""
    places = torch.arange(positions.shape[1])[:, None, None].float()
    angles = places * rotary.inv_freq
    turns = torch.polar(torch.ones_like(angles), angles)
    chosen = positions.flatten()
    return turns[chosen], turns.conj().resolve_conj()[chosen]


def _weights(layer) -> tuple[torch.Tensor, ...]:
    """A layer's parameters in the order of `Layer`."""
    attention, feed = layer.self_attn, layer.mlp
    projections = (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj)
    before = (layer.input_layernorm, *projections, layer.post_attention_layernorm)
    modules = (*before, feed.gate_proj, feed.up_proj, feed.down_proj)
    return tuple(weight_of(module) for module in modules)
