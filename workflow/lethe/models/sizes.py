"""The numbers of a checkpoint's configuration, held against its weights before a model is built.

A model is built as large as its configuration says, so a wrong number may ask for terabytes or for
a million layers. The weights say what is possible: no part of a model is larger than their largest
dimension, and every layer has a tensor. Names and shapes are compared later, by `loading`.
"""

import re
from pathlib import Path
from typing import Any

from lethe.errors import UserError, shown
from lethe.models.built_config import VALUES
from lethe.models.checkpoint_files import tables

LAYERS = re.compile(r"n_layers?|(num_|encoder_|decoder_)(\w+_)?layers")
COUNTS = re.compile(r"(num|n)_\w+|\w+_(layers|heads|size|dim|width|experts)|d_\w+|ffn_dim")
POSITIONS = re.compile(r"\w*(position|seq|window|length|chunk)\w*|n_ctx")
TOKENS = re.compile(r"\w+_token_id")
AT_LEAST_ONE = {"vocab_size", "n_embd", "n_embed", "n_head", "n_heads", "n_layer", "n_layers"}
AT_LEAST_ONE |= {"n_positions", "n_ctx", "encoder_layers", "decoder_layers", "ffn_dim"}
AT_LEAST_ONE |= {key for key, (_, bounds) in VALUES.items() if bounds.get("ge") == 1}

SMALL = 4096
"""Any count up to this is harmless, even if the weights are smaller: the key may be unused."""
MOST_POSITIONS = 2**24
"""Tokens; the longest known window has 10 million."""
LARGEST_TOKEN = 2**31
LARGEST = 10**11
"""Of any whole number; the base of rotary positions is the largest."""


def check_sizes(path: Path, config: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse numbers that no model with weights of these shapes can have.

    Args:
        path: the configuration's file, for messages.

    Raises:
        UserError: a number of another type, below or above what is possible.
    """
    largest = max((size for shape in shapes.values() for size in shape), default=0)
    for inner in tables(config):
        for key, value in inner.items():
            _check_numbers(path, key, value)
            if isinstance(value, list | dict) and key not in VALUES:
                continue  # such as one number per layer; transformers checks these
            if TOKENS.fullmatch(key):
                _require(path, key, value, -1, LARGEST_TOKEN, "a token's number")
            elif POSITIONS.fullmatch(key):
                if key in AT_LEAST_ONE:
                    _require(path, key, value, 1, MOST_POSITIONS, "a number of tokens")
            elif LAYERS.fullmatch(key):
                low = 1 if key in AT_LEAST_ONE else 0
                _require(path, key, value, low, len(shapes), "at most the number of tensors")
            elif COUNTS.fullmatch(key):
                low = 1 if key in AT_LEAST_ONE else 0
                most = max(largest, SMALL)
                _require(path, key, value, low, most, "at most the weights' largest dimension")
            elif bounds := VALUES.get(key, ("", {}))[1]:
                _require_bounds(path, key, value, bounds)


def _check_numbers(path: Path, key: str, value: Any) -> None:
    """Refuse whole numbers that no library can hold, in a list too."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, int) and abs(item) > LARGEST:
            raise UserError(
                f"{path}: expected `{key}` of at most {LARGEST}, found {shown(item)}; correct it."
            )


def _require(path: Path, key: str, value: Any, low: int, high: int, what: str) -> None:
    if value is None or (type(value) is int and low <= value <= high):
        return
    raise UserError(
        f"{path}: expected `{key}`, a whole number from {low} to {high} ({what}), found "
        f"{shown(value)}; it is damaged, or belongs to another model's weights."
    )


def _require_bounds(path: Path, key: str, value: Any, bounds: dict[str, float]) -> None:
    """Hold a value against the bounds that models built here must keep."""
    if value is None:
        return
    number = type(value) in (int, float)
    low, above = bounds.get("ge"), bounds.get("gt")
    high, below = bounds.get("le"), bounds.get("lt")
    if (
        number
        and (low is None or value >= low)
        and (above is None or value > above)
        and (high is None or value <= high)
        and (below is None or value < below)
    ):
        return
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    wanted = " and ".join(f"{words[name]} {bound:g}" for name, bound in bounds.items())
    raise UserError(
        f"{path}: expected `{key}`, a number {wanted}, found {shown(value)}; correct it."
    )
