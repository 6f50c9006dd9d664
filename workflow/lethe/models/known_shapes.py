"""The linear modules and layers of a model that is not built yet, from its small files."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json
from lethe.errors import UserError
from lethe.models.weights import weight_shapes

LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
LAYER = re.compile(r"\.\d+\.")
NOT_LINEAR = ("embed", "bias", "norm", "ln_", "wte", "wpe", "shared")
"""Parts of names of matrices that are no linear module's."""
MATRIX = 2


@dataclass(frozen=True)
class Shapes:
    """linear: weight shapes of the linear modules of layers by name. named: all modules that a
    target may name. layers: of the shortest stack; None if it is not known."""

    linear: dict[str, tuple[int, ...]]
    named: dict[str, tuple[int, ...]]
    layers: int | None


def shapes_of_built(config: dict[str, Any]) -> Shapes:
    """Those of a model that is built here, from its whole configuration.

    Of embeddings it is the width alone: their rows come from the tokenizer.
    """
    linear = _t5(config) if "d_model" in config else _transformer(config)
    embeddings = ("shared", "lm_head") if "d_model" in config else ("embed_tokens", "lm_head")
    if "mlp_bias" not in config and "d_model" not in config:
        embeddings = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    width = config["d_model"] if "d_model" in config else config["hidden_size"]
    return Shapes(linear, linear | dict.fromkeys(embeddings, (width,)), _layers(config))


@cache
def shapes_in(folder: Path) -> Shapes | None:
    """Those of the checkpoint in a folder; None if it is not whole, which others say."""
    try:
        tensors, config = weight_shapes(folder), read_json(folder / "config.json")
    except UserError:
        return None
    matrices = {
        name.removesuffix(".weight"): shape
        for name, shape in tensors.items()
        if name.endswith(".weight") and len(shape) == MATRIX
    }
    linear = {
        name: shape
        for name, shape in matrices.items()
        if LAYER.search(name) and not any(part in name.lower() for part in NOT_LINEAR)
    }
    return Shapes(linear, matrices, _layers(config if isinstance(config, dict) else {}))


def _layers(config: dict[str, Any]) -> int | None:
    counts = [config[name] for name in (*LAYERS, "num_decoder_layers") if config.get(name)]
    return min((count for count in counts if isinstance(count, int)), default=None)


def _transformer(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """LLaMA's modules, or an encoder's; they are alike in every layer."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    if "mlp_bias" not in config:
        return dict.fromkeys(("query", "key", "value", "dense"), (width, width))
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or width // heads
    shared = config.get("num_key_value_heads") or heads
    maps = dict.fromkeys(("q_proj", "o_proj"), (width, head * heads))
    maps |= dict.fromkeys(("k_proj", "v_proj"), (width, head * shared))
    return maps | dict.fromkeys(("gate_proj", "up_proj", "down_proj"), (width, inner))


def _t5(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    width, inner = config["d_model"], config["num_heads"] * config["d_kv"]
    gated = config["feed_forward_proj"].startswith("gated-")
    network = ("wi_0", "wi_1", "wo") if gated else ("wi", "wo")
    return dict.fromkeys("qkvo", (width, inner)) | dict.fromkeys(network, (width, config["d_ff"]))
