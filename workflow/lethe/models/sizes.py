"""The numbers of a checkpoint's configuration, held against its weights before a model is built.

A model is built as large as its configuration says, so a wrong number may ask for terabytes or for
a million layers. The weights say what is possible: no part of a model is larger than their largest
dimension, and every layer has a tensor. Names and shapes are compared later, by `loading`.
"""

import re
from pathlib import Path
from typing import Any

from lethe.errors import UserError, shown
from lethe.models.checkpoint_files import tables
from lethe.models.kinds import kind_of

LAYERS = re.compile(r"n_layers?|(num_|encoder_|decoder_)(\w+_)?layers")
COUNTS = re.compile(
    r"(num|n)_\w+|\w+_(layers|heads|size|dim|width|experts|num_buckets)|d_\w+|ffn_dim"
)
POSITIONS = re.compile(r"\w*(position|seq|window|length|chunk|distance)\w*|n_ctx")
TOKENS = re.compile(r"\w+_token_id")
AT_LEAST_ONE = re.compile(
    r"(vocab|hidden|intermediate)_size|d_(model|ff|kv)|(head|ffn)_dim"
    r"|n_(embd?|embed|heads?|layers?|positions|ctx)|num_(attention_|key_value_)?heads"
    r"|num_(hidden_|decoder_)?layers|(en|de)coder_layers|max_position_embeddings"
    r"|relative_attention_\w+"
)
ABOVE_ZERO = re.compile(
    r"\w*eps(ilon)?|initializer_(range|factor)|rope_theta|rotary_emb_base|factor"
)
RATES = re.compile(r"\w*(dropout|pdrop)(_rate|_prob)?")
"""Keys by what they count, for all architectures of transformers."""

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
    limits = (
        (TOKENS, -1, LARGEST_TOKEN, "a token's number"),
        (POSITIONS, None, MOST_POSITIONS, "a number of tokens"),
        (LAYERS, 0, len(shapes), "at most the number of tensors"),
        (COUNTS, 0, max(largest, SMALL), "at most the weights' largest dimension"),
    )
    _check_tokens(path, config)
    for key, value in ((key, value) for inner in tables(config) for key, value in inner.items()):
        _check_numbers(path, key, value)
        found = next((limit for limit in limits if limit[0].fullmatch(key)), None)
        low = 1 if AT_LEAST_ONE.fullmatch(key) else found and found[1]
        if found is None or low is None:
            _check_real(path, key, value)
        # Lists may hold a number for each layer; transformers checks them.
        elif low == 1 or not isinstance(value, list | dict):
            _require(path, key, value, low, *found[2:])


def _check_tokens(path: Path, config: dict[str, Any]) -> None:
    """Refuse a type that computes with a token's number when it has none."""
    kind = kind_of(config["model_type"])
    needed = {
        "pad_token_id": kind.positions == "table after padding",
        "decoder_start_token_id": kind.family == "seq2seq",
    }
    for key in (key for key, of_this_kind in needed.items() if of_this_kind and key in config):
        if config[key] is None:
            raise UserError(f"{path}: expected `{key}`, a token's number, found null; correct it.")
        _require(path, key, config[key], 0, LARGEST_TOKEN, "a token's number")


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


def _check_real(path: Path, key: str, value: Any) -> None:
    """Refuse a number with which a model computes nothing; transformers checks the types."""
    if type(value) not in (int, float):
        return
    rate = RATES.fullmatch(key)
    if (rate and not 0 <= value <= 1) or (ABOVE_ZERO.fullmatch(key) and value <= 0):
        wanted = "from 0 to 1" if rate else "above 0"
        raise UserError(
            f"{path}: expected `{key}`, a number {wanted}, found {shown(value)}; correct it."
        )
