"""About how many parameters a model that is built here has, from its configuration alone."""

from typing import Any


def parameters_of_built(config: dict[str, Any]) -> int:
    """The weights of the matrices in a built model's layers.

    Norms and biases are too few to count. The embeddings' rows come from the tokenizer, which is
    not made when a study is planned.

    Args:
        config: as `built_config.full_config` returns it.
    """
    return _t5(config) if "d_model" in config else _transformer(config)


def _transformer(config: dict[str, Any]) -> int:
    """Layers of self-attention and a network; LLaMA's network, after no bias, has a gate."""
    width, heads = config["hidden_size"], config["num_attention_heads"]
    head = config.get("head_dim") or width // heads
    shared = config.get("num_key_value_heads") or heads
    matrices = 3 if "mlp_bias" in config else 2
    layer = 2 * width * head * (heads + shared) + matrices * width * config["intermediate_size"]
    return config["num_hidden_layers"] * layer


def _t5(config: dict[str, Any]) -> int:
    """Layers of an encoder, and of a decoder that also attends to the encoder's states."""
    width = config["d_model"]
    attention = 4 * width * config["num_heads"] * config["d_kv"]
    matrices = 3 if config["feed_forward_proj"].startswith("gated-") else 2
    network = matrices * width * config["d_ff"]
    encoder = config["num_layers"]
    decoder = config.get("num_decoder_layers") or encoder
    return encoder * (attention + network) + decoder * (2 * attention + network)
