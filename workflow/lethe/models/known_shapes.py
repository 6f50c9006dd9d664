"""The linear modules and layers of a model that is not built yet, from its small files."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_object
from lethe.errors import UserError
from lethe.models.kinds import kind_of
from lethe.models.weights import weight_shapes

LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
WIDTHS = ("hidden_size", "d_model", "n_embd")
OUTPUT = re.compile(r"(^|\.)(lm_head|embed_out|cls)\.")
"""Names of tensors of the output layers of known types."""
LAYER = re.compile(r"\.\d+\.")
NOT_LINEAR = ("embed", "bias", "norm", "ln_", "wte", "wpe", "shared")
"""Parts of names of matrices that are no linear module's."""
MATRIX = 2


@dataclass(frozen=True)
class Shapes:
    """linear: weight shapes of the linear modules of layers by name. named: all modules that a
    target may name. layers: of the shortest stack, and deepest: of the deepest; None if they are
    not known. tied: the output layer is the embeddings and nothing else, without a bias; None if
    it is not known. width: of the states between layers; None if it is not known. model_type: its
    type in transformers."""

    linear: dict[str, tuple[int, ...]]
    named: dict[str, tuple[int, ...]]
    layers: int | None
    deepest: int | None
    tied: bool | None = None
    width: int | None = None
    model_type: str | None = None


def shapes_of_built(architecture: str, config: dict[str, Any]) -> Shapes:
    """Those of a model that is built here, from its architecture and whole configuration.

    Of embeddings it is the width alone: their rows come from the tokenizer.
    """
    linear = _t5(config) if "d_model" in config else _transformer(config)
    embeddings = ("shared", "lm_head") if "d_model" in config else ("embed_tokens", "lm_head")
    if "mlp_bias" not in config and "d_model" not in config:
        embeddings = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    width = config["d_model"] if "d_model" in config else config["hidden_size"]
    named = linear | dict.fromkeys(embeddings, (width,))
    # transformers ties every T5's; an encoder's output layer has a bias of its own.
    tied = "d_model" in config or ("mlp_bias" in config and config["tie_word_embeddings"])
    return Shapes(linear, named, *_layers(config), tied, width, architecture)


@cache
def shapes_in(folder: Path) -> Shapes | None:
    """Those of the checkpoint in a folder; None if it is not whole, which others say."""
    try:
        tensors, config = weight_shapes(folder), read_object(folder / "config.json")
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
    config = config if isinstance(config, dict) else {}
    tied, kind = _tied(config, tensors), config.get("model_type")
    return Shapes(linear, matrices, *_layers(config), tied, _width(config), kind)


def _tied(config: dict[str, Any], tensors: dict[str, tuple[int, ...]]) -> bool | None:
    """Whether a checkpoint's output layer is its embeddings; a file may lack tied matrices."""
    found = [name for name in tensors if OUTPUT.search(name)]
    if any(name.endswith(".bias") for name in found):
        return False
    if found:
        return config.get("tie_word_embeddings") is True
    # Of a type that is not known here, the output layer may have any name.
    return True if kind_of(config.get("model_type")).family else None


def _width(config: dict[str, Any]) -> int | None:
    found = next((config[name] for name in WIDTHS if name in config), None)
    return found if isinstance(found, int) else None


def _layers(config: dict[str, Any]) -> tuple[int | None, int | None]:
    """Those of the shortest stack and of the deepest."""
    counts = [config[name] for name in (*LAYERS, "num_decoder_layers") if config.get(name)]
    known = [count for count in counts if isinstance(count, int)]
    return min(known, default=None), max(known, default=None)


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
