"""A RoBERTa's pass in training on a processor, a layer an operation (`roberta_block.py`).

As in `llama_forward.py`, a network that is not as transformers builds it, has hooks or is not in
float32 goes through transformers. So does a pass without dropout of attention's weights, for which
torch has a fused kernel that keeps less.
"""

import torch

from lethe.models.folded_lora import weight_of
from lethe.models.plain_modules import is_plain_float, operation_of
from lethe.models.roberta_block import Layer, Settings

LEAST = torch.finfo(torch.float32).min


def applies(model) -> bool:
    """Whether a network is a RoBERTa whose pass in training can be computed here."""
    config = model.config
    # An end task's encoder may be of any class that says it is one.
    if config.model_type != "roberta" or not (model.training and hasattr(model, "base_model")):
        return False
    return is_plain_float(model, model.base_model.embeddings) and (
        config.attention_probs_dropout_prob > 0
        and config.hidden_act == "gelu"
        and not config.is_decoder
        and not config.chunk_size_feed_forward
        and all(part.training for layer in layers_of(model) for part in layer.modules())
    )


def layers_of(model):
    return model.base_model.encoder.layer


def last_states(model, tokens, allowed, positions=None, places=None) -> torch.Tensor:
    """Last hidden states [R, L, d], or [N, d] at distinct places [N] of the R x L tokens.

    After its attention the last layer computes those states alone.

    Args:
        tokens: [R, L].
        allowed: which tokens a token sees, boolean [R, L, L] or [R, 1, L].
        positions: [R, L] as the network counts them; None: as it counts them itself.
    """
    inner, shape = model.base_model, tuple(tokens.shape)
    mask = torch.where(allowed, 0.0, LEAST)[:, None]
    states = inner.embeddings(input_ids=tokens, position_ids=positions).flatten(0, 1)
    for layer in layers_of(model):
        wanted = places if layer is layers_of(model)[-1] else None
        settings = (mask, wanted, shape, _settings(layer))
        states = operation_of(layer, Layer.apply)(states, *settings, *_weights(layer))
    return states if places is not None else states.view(*shape, -1)


def _settings(layer) -> Settings:
    attention, first, second = layer.attention.self, layer.attention.output, layer.output
    return Settings(
        attention.num_attention_heads,
        attention.dropout.p,
        (first.dropout.p, second.dropout.p),
        (first.LayerNorm.eps, second.LayerNorm.eps),
    )


def _weights(layer) -> list[torch.Tensor]:
    """A layer's parameters in the order of `Layer`."""
    attention, first, second = layer.attention.self, layer.attention.output, layer.output
    attended = (attention.query, attention.key, attention.value, first.dense, first.LayerNorm)
    modules = (*attended, layer.intermediate.dense, second.dense, second.LayerNorm)
    return [parameter for module in modules for parameter in (weight_of(module), module.bias)]
