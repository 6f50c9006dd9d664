"""Keys and defaults of the configurations built here, from transformers' own classes.

`lethe schema` writes them to `config_keys.json`, which `lethe check` reads instead of transformers,
which is slow to import. A test compares the file with the classes of the installed version.
"""

from dataclasses import Field, fields
from importlib import import_module
from typing import Any, get_args

from transformers import PretrainedConfig
from transformers.activations import ACT2FN

from lethe.errors import UserError
from lethe.models.built_config import FROM_TOKENIZER
from lethe.models.kinds import BUILT, KINDS

# Left out: they would build another architecture than the one named, or change nothing computed.
ELSEWHERE = {"is_decoder", "is_encoder_decoder", "add_cross_attention", "use_cache"}
ELSEWHERE |= {"pretraining_tp"}
# Read from a class's keyword arguments, so no field declares them. T5: true scales the last states
# before the output embeddings, which are always tied to the input embeddings.
UNDECLARED = {"t5": {"tie_word_embeddings": {"type": "bool", "default": True}}}
WORDS = {"int": "int", "float": "float", "bool": "bool", "str": "str", "RopeParameters": "rotary"}


def config_keys() -> dict[str, Any]:
    """`activations`, and by architecture its `keys` (type and default) and `aliases` of them."""
    return {
        "activations": sorted(ACT2FN),
        "architectures": {name: _keys_of(name) for name in BUILT},
    }


def _keys_of(architecture: str) -> dict[str, Any]:
    classes = KINDS[architecture].built
    kind = getattr(import_module(classes.module), classes.config)
    left_out = {field.name for field in fields(PretrainedConfig)} | {*FROM_TOKENIZER} | ELSEWHERE
    if KINDS[architecture].family != "masked":
        left_out.add("classifier_dropout")  # only encoders are made classifiers here
    keys = {
        field.name: {"type": _word(field), "default": _default(kind, field)}
        for field in fields(kind)
        if field.name not in left_out and not _ignored(kind, field)
    }
    return {
        "aliases": dict(kind.attribute_map),
        "keys": keys | UNDECLARED.get(architecture, {}),
    }


def _word(field: Field) -> str:
    """`float` for a number that may be an integer; null is allowed where it is the default."""
    names = {kind.__name__ for kind in get_args(field.type) or (field.type,)}
    for name, word in reversed(WORDS.items()):
        if name in names:
            return word
    raise UserError(
        f"{field.name}: a value of type {field.type} is not handled; add it to `WORDS` of "
        "workflow/lethe/models/transformers_keys.py and to `TYPES` of built_config.py."
    )


def _default(kind: type, field: Field) -> Any:
    """Rotary positions have their default in the class's code; another None follows from others."""
    return kind().rope_parameters if field.name == "rope_parameters" else field.default


def _ignored(kind: type, field: Field) -> bool:
    """Whether a class overwrites the given value, as mT5 does with `tie_word_embeddings`."""
    if not isinstance(field.default, bool):
        return False
    return getattr(kind(**{field.name: not field.default}), field.name) == field.default
