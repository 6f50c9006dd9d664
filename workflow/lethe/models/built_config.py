"""The typed `config` of a model that is built here: its keys, their bounds, and its refusals.

transformers takes any key in silence and builds many impossible shapes, so that `hiden_size: 3`
is another model than was meant. Keys, types and defaults are those of its classes, as a generated
file holds them; what a key is and its bounds stand here, once for all architectures.
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
    """Rotary positions (Su et al. 2021); what only stretches a trained model is left out."""

    rope_type: Literal["default", "linear"] = parameter(
        "default", "`linear`: positions are divided by `factor`", "transformers"
    )
    rope_theta: Positive = parameter(10000.0, "base of the wavelengths", "transformers")
    factor: Number | None = parameter(None, "of `linear`, which needs it", "transformers", ge=1)


class HeadOffsets(Parameters):
    """The offset in tokens that each head of the first layer prefers, -1 for the token before."""

    encoder: list[int | None] = parameter([], "offsets of heads; null: none is preferred")
    decoder: list[Annotated[int | None, Field(le=0)]] = parameter([], "the same of the decoder")


class Start(Parameters):
    """How a small T5 starts; the defaults leave T5's own initialisation as it is."""

    embedding_std: Positive | None = parameter(
        None, "standard deviation of the token embeddings; null: T5's own"
    )
    heads: HeadOffsets = parameter(HeadOffsets(), "")
    strength: Positive = parameter(
        3.0, "what a head's score loses for each token of distance from its offset, in nats"
    )


COUNT, RATE, ABOVE_ZERO = {"ge": 1}, {"ge": 0, "lt": 1}, {"gt": 0}
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
    "num_hidden_layers": ("layers", COUNT),
    "num_layers": ("layers of the encoder", COUNT),
    "num_decoder_layers": ("layers of the decoder; null: as many as the encoder has", COUNT),
    "num_attention_heads": ("heads of a layer; they divide `hidden_size`", COUNT),
    "num_heads": ("heads of a layer", COUNT),
    "num_key_value_heads": (
        "heads of keys and values; they divide `num_attention_heads`; null: as many as those",
        COUNT,
    ),
    "head_dim": (
        "features of a head, an even number; null: `hidden_size` / `num_attention_heads`",
        COUNT,
    ),
    "d_kv": ("features of a head", COUNT),
    "hidden_act": ("activation, by its name in transformers", {}),
    "feed_forward_proj": ("activation, by its name in transformers; `gated-` before it: gated", {}),
    "max_position_embeddings": ("tokens of the longest text", COUNT),
    "roberta.max_position_embeddings": (
        "positions; the longest text has one less, and less by the number of the padding token",
        COUNT,
    ),
    "type_vocab_size": ("kinds of segments; all texts here are of the first", COUNT),
    "relative_attention_num_buckets": ("buckets of distances between tokens", {"ge": 4}),
    "relative_attention_max_distance": (
        "tokens; all that is farther shares a bucket; more than half of the buckets",
        COUNT,
    ),
    "initializer_range": ("standard deviation of the initial weights", {"gt": 0, "le": 1}),
    "initializer_factor": ("factor on the spread of the initial weights", ABOVE_ZERO),
    "rms_norm_eps": EPSILON,
    "layer_norm_eps": EPSILON,
    "layer_norm_epsilon": EPSILON,
    "tie_word_embeddings": ("one matrix is the input and the output embeddings", {}),
    "t5.tie_word_embeddings": (
        "true: the last states are scaled, as in the first T5; the embeddings are tied always",
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
TYPES = {"int": int, "float": Number, "bool": bool, "str": str, "rotary": Rotary}


@cache
def table() -> dict[str, Any]:
    """What transformers' classes say, as `transformers_keys.config_keys` makes it."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


@cache
def config_type(architecture: str) -> type[Parameters]:
    """The typed configuration of an architecture."""
    fields = {}
    for key, known in table()["architectures"][architecture]["keys"].items():
        kind, default = TYPES[known["type"]], known["default"]
        described, bounds = VALUES.get(f"{architecture}.{key}") or VALUES[key]
        if kind is Rotary:
            default = Rotary(**default)
        # Null is what follows from other keys; elsewhere it would be no value at all.
        annotation = kind | None if default is None else kind
        fields[key] = (annotation, parameter(default, described, "transformers", **bounds))
    if KINDS[architecture].positions == "distances":
        fields["start"] = (Start, parameter(Start(), ""))
    made = create_model(f"{architecture}_config", __base__=Parameters, **fields)
    made.title = architecture
    return made


def config_types() -> list[type[Parameters]]:
    """Those of all architectures, for the manual."""
    return [config_type(architecture) for architecture in BUILT]


def full_config(where: str, architecture: str, given: dict[str, Any]) -> dict[str, Any]:
    """A configuration with the defaults of its class, as a base's spec holds it.

    A default that changes, ours or of transformers, is thereby another base. Null is left out: it
    stands for what transformers makes of the other keys.

    Args:
        where: the key of the catalogue that holds what is `given`, for the sentences.

    Raises:
        UserError: an unknown key, or a value that makes no model.
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
    # The number of the padding token is not known yet; it is 0 at least.
    taken = 1 if KINDS[architecture].positions == "table after padding" else 0
    if room is not None and room - taken < length:
        raise UserError(
            f"{where}.max_position_embeddings: expected at least {length + taken}, for the "
            f"`max_length: {length}` of its recipe, found {room}."
        )


def _refuse_names(where: str, architecture: str, given: dict[str, Any]) -> None:
    aliases = table()["architectures"][architecture]["aliases"]
    for key in given:
        if key in FROM_TOKENIZER:
            raise UserError(
                f"{where}.{key}: it comes from the tokenizer of the model's source; remove it."
            )
        if key in aliases:
            raise UserError(f"{where}.{key}: {architecture} has it as {aliases[key]!r}.")


def _check_activations(where: str, values: dict[str, Any]) -> None:
    for key, prefix in (("hidden_act", ""), ("feed_forward_proj", "gated-")):
        if key in values:
            name = values[key].removeprefix(prefix)
            require(f"{where}.{key}", name, table()["activations"])


def _check_heads(where: str, values: dict[str, Any]) -> None:
    if "hidden_size" not in values:
        return  # a T5's heads are as wide as `d_kv`, whatever its states are
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
                f"there, found {rotary.rope_type!r} with {rotary.factor!r}."
            )
        width = values["head_dim"] or values["hidden_size"] // values["num_attention_heads"]
        if width % 2:
            raise UserError(
                f"{where}: expected an even number of features a head, for rotary positions, found "
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
