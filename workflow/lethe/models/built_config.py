"""The typed `config` of a model that is built here: its keys, their bounds, and its refusals.

transformers silently accepts any key and builds many impossible shapes, so `hiden_size: 3` gives
another model than intended. Keys, types and defaults come from its classes, by way of a generated
file. What each key means and its bounds are defined here, once for all architectures.
"""

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from lethe.errors import UserError
from lethe.models.kinds import BUILT, KINDS
from lethe.parameters.entries import Number, Parameters, Positive, parameter
from lethe.parameters.sentences import require, validated

TABLE = Path(__file__).with_name("config_keys.json")
FROM_TOKENIZER = (
    "vocab_size",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
)


class Rotary(Parameters):
    """Rotary positions (Su et al. 2021), without the variants that only stretch a trained model."""

    rope_type: Literal["default", "linear"] = parameter(
        "default", "`linear`: positions are divided by `factor`", "transformers"
    )
    rope_theta: Positive = parameter(10000.0, "base of the wavelengths", "transformers")
    factor: Number | None = parameter(
        None, "divides positions; required by `linear`, and only there", "transformers", ge=1
    )


class HeadOffsets(Parameters):
    """The offset in tokens that each head of the first layer prefers, -1 for the token before."""

    encoder: list[int | None] = parameter([], "one offset per head; null: no preference")
    decoder: list[Annotated[int | None, Field(le=0)]] = parameter([], "the same for the decoder")


class Start(Parameters):
    """How a small T5 starts; the defaults leave T5's own initialisation as it is."""

    embedding_std: Positive | None = parameter(
        None, "standard deviation of the token embeddings; null: T5's own"
    )
    heads: HeadOffsets = parameter(HeadOffsets(), "")
    strength: Positive = parameter(
        3.0, "penalty on a head's score per token of distance from its offset, in nats"
    )


COUNT, RATE, ABOVE_ZERO = {"ge": 1, "le": 10**7}, {"ge": 0, "lt": 1}, {"gt": 0}
LAYERS = {"ge": 1, "le": 1000}
WIDTH = ("features of a token's state", COUNT)
NEURONS = ("neurons of a layer's feed-forward part", COUNT)
EPSILON = ("added to the variance when states are normalised", ABOVE_ZERO)
ATTENTION_DROPOUT = ("dropout rate of attention's weights", RATE)
DROPOUT = ("dropout rate of states", RATE)
VALUES: dict[str, tuple[str, dict[str, float]]] = {
    "hidden_size": WIDTH,
    "d_model": WIDTH,
    "intermediate_size": NEURONS,
    "d_ff": NEURONS,
    "num_hidden_layers": ("layers", LAYERS),
    "num_layers": ("layers of the encoder", LAYERS),
    "num_decoder_layers": ("layers of the decoder; null: as many as the encoder has", LAYERS),
    "num_attention_heads": ("heads per layer; must divide `hidden_size`", COUNT),
    "num_heads": ("heads per layer", COUNT),
    "num_key_value_heads": (
        "key and value heads; must divide `num_attention_heads`; null: the same number",
        COUNT,
    ),
    "head_dim": (
        "features per head, an even number; null: `hidden_size` / `num_attention_heads`",
        COUNT,
    ),
    "d_kv": ("features per head", COUNT),
    "hidden_act": ("activation, by its name in transformers", {}),
    "feed_forward_proj": ("activation, by its name in transformers; gated with `gated-` first", {}),
    "max_position_embeddings": ("tokens of the longest text", COUNT),
    "roberta.max_position_embeddings": (
        "positions; the longest text has this many minus 1, minus the id of the padding token",
        COUNT,
    ),
    "type_vocab_size": ("segment types; all texts here use the first", COUNT),
    "relative_attention_num_buckets": ("buckets of distances between tokens", {"ge": 4}),
    "relative_attention_max_distance": (
        "tokens; all larger distances share a bucket; must be more than half of the buckets",
        COUNT,
    ),
    "initializer_range": ("standard deviation of the initial weights", {"gt": 0, "le": 1}),
    "initializer_factor": ("factor on the standard deviation of the initial weights", ABOVE_ZERO),
    "rms_norm_eps": EPSILON,
    "layer_norm_eps": EPSILON,
    "layer_norm_epsilon": EPSILON,
    "tie_word_embeddings": ("input and output embeddings share one matrix", {}),
    "t5.tie_word_embeddings": (
        "true: the last states are scaled, as in the first T5; the embeddings are always tied",
        {},
    ),
    "attention_bias": ("biases in attention", {}),
    "mlp_bias": ("biases in the feed-forward part", {}),
    "attention_dropout": ATTENTION_DROPOUT,
    "attention_probs_dropout_prob": ATTENTION_DROPOUT,
    "hidden_dropout_prob": DROPOUT,
    "dropout_rate": DROPOUT,
    "classifier_dropout": (
        "dropout rate of an end task's classifier; null: `hidden_dropout_prob`",
        RATE,
    ),
    "rope_parameters": ("", {}),
}
SOURCE = "workflow/lethe/models/built_config.py"
TYPES = {"int": int, "float": Number, "bool": bool, "str": str, "rotary": Rotary}


@cache
def table() -> dict[str, Any]:
    """Keys of transformers' classes, as `transformers_keys.config_keys` returns them."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


def _entry(architecture: str) -> dict[str, Any]:
    """Keys and aliases of one architecture.

    Raises:
        UserError: its row in `KINDS` is newer than the table.
    """
    entries = table()["architectures"]
    if architecture not in entries:
        raise UserError(
            f"workflow/lethe/models/{TABLE.name}: expected the keys of {architecture!r}, found "
            "none; run `lethe schema`, which writes it."
        )
    return entries[architecture]


@cache
def config_type(architecture: str) -> type[Parameters]:
    """The typed configuration of an architecture."""
    fields = {}
    for key, entry in _entry(architecture)["keys"].items():
        kind, default = TYPES[entry["type"]], entry["default"]
        described = VALUES.get(f"{architecture}.{key}") or VALUES.get(key)
        if described is None:
            raise UserError(
                f"{SOURCE}: expected a description of {key!r}, a key of {architecture}, in "
                "`VALUES`, found none."
            )
        description, bounds = described
        if kind is Rotary:
            default = validated(Rotary, default, f"the rotary positions of {architecture}")
        # Null is allowed only where it is the default: the value then follows from other keys.
        annotation = kind | None if default is None else kind
        fields[key] = (annotation, parameter(default, description, "transformers", **bounds))
    if KINDS[architecture].positions == "distances":
        fields["start"] = (Start, parameter(Start(), ""))
    model = create_model(f"{architecture}_config", __base__=Parameters, **fields)
    model.title = architecture
    return model


def config_types() -> list[type[Parameters]]:
    """The typed configurations of all architectures, for the manual."""
    return [config_type(architecture) for architecture in BUILT]


def full_config(where: str, architecture: str, given: dict[str, Any]) -> dict[str, Any]:
    """A configuration with the defaults of its class, as a base's spec holds it.

    So a changed default, ours or transformers', gives another base. Null is left out: transformers
    then derives the value from the other keys.

    Args:
        where: the key of the catalogue that holds the `given` values, for error messages.

    Raises:
        UserError: an unknown key, or a value that gives no valid model.
    """
    _refuse_names(where, architecture, given)
    config = validated(config_type(architecture), given, where)
    values = dict(config)
    _check_activations(where, values)
    _check_heads(where, values)
    _check_positions(where, values)
    if isinstance(values.get("start"), Start):
        _check_start(f"{where}.start.heads", values["start"].heads, values)
    return config.model_dump(mode="json", exclude_none=True)


def check_room(where: str, architecture: str, config: dict[str, Any], length: int) -> None:
    """Refuse fewer positions than the `max_length` of the recipe that the base is trained with."""
    room = config.get("max_position_embeddings")
    # The id of the padding token is not known yet; it is at least 0.
    taken = 1 if KINDS[architecture].positions == "table after padding" else 0
    if room is not None and room - taken < length:
        raise UserError(
            f"{where}.max_position_embeddings: expected at least {length + taken}, for the "
            f"`max_length: {length}` of its recipe, found {room}."
        )


def _refuse_names(where: str, architecture: str, given: dict[str, Any]) -> None:
    aliases = _entry(architecture)["aliases"]
    for key in given:
        if key in FROM_TOKENIZER:
            raise UserError(
                f"{where}.{key}: it comes from the tokenizer of the model's source; remove it."
            )
        if key in aliases:
            raise UserError(f"{where}.{key}: {architecture} calls this key {aliases[key]!r}.")


def _check_activations(where: str, values: dict[str, Any]) -> None:
    for key, prefix in (("hidden_act", ""), ("feed_forward_proj", "gated-")):
        if key in values:
            name = values[key].removeprefix(prefix)
            require(f"{where}.{key}", name, table()["activations"])


def _check_heads(where: str, values: dict[str, Any]) -> None:
    if "hidden_size" not in values:
        return  # in T5 the width of a head is `d_kv` and does not depend on the states' width
    width, heads = values["hidden_size"], values["num_attention_heads"]
    shared = values.get("num_key_value_heads")
    if width % heads:
        raise UserError(
            f"{where}.num_attention_heads: expected a divisor of hidden_size ({width}), found "
            f"{heads}."
        )
    if shared is not None and heads % shared:
        raise UserError(
            f"{where}.num_key_value_heads: expected a divisor of num_attention_heads ({heads}), "
            f"found {shared}."
        )


def _check_positions(where: str, values: dict[str, Any]) -> None:
    if "rope_parameters" in values:
        rotary = values["rope_parameters"]
        if (rotary.rope_type == "linear") != (rotary.factor is not None):
            raise UserError(
                f"{where}.rope_parameters: expected `factor` with `rope_type: linear` and only "
                f"with it, found rope_type {rotary.rope_type!r} with factor {rotary.factor!r}."
            )
        width = values["head_dim"] or values["hidden_size"] // values["num_attention_heads"]
        if width % 2:
            raise UserError(
                f"{where}: rotary positions need an even number of features per head, found "
                f"{width}; change hidden_size, num_attention_heads or head_dim."
            )
    buckets = values.get("relative_attention_num_buckets", 0)
    # Half of the buckets hold one distance each; the others grow up to the greatest.
    if buckets and values["relative_attention_max_distance"] <= buckets // 2:
        raise UserError(
            f"{where}.relative_attention_max_distance: expected more than half of the {buckets} "
            f"buckets, found {values['relative_attention_max_distance']}."
        )


def _check_start(where: str, heads: HeadOffsets, values: dict[str, Any]) -> None:
    farthest = values["relative_attention_max_distance"]
    for side, offsets in dict(heads).items():
        if len(offsets) > values["num_heads"]:
            raise UserError(
                f"{where}.{side}: expected at most {values['num_heads']} offsets, one for each "
                f"head, found {len(offsets)}."
            )
        for offset in offsets:
            if offset is not None and abs(offset) > farthest:
                raise UserError(
                    f"{where}.{side}: expected offsets of at most {farthest} tokens "
                    f"(relative_attention_max_distance), found {offset}."
                )
