"""The JSON files of a checkpoint, judged before transformers reads them.

A checkpoint comes from anywhere. transformers follows many keys of its files: to Python code beside
them, to other files, to kernels that it would fetch. Only what describes a plain model is let
through. `auto_map`, which names code, is allowed and never followed: many checkpoints of types that
transformers has itself carry it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json
from lethe.errors import UserError, shown
from lethe.models.import_folder import ADAPTER, LARGEST_FILE
from lethe.models.kinds import KINDS

CONFIG = "config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
GENERATION_CONFIG = "generation_config.json"

ATTENTION = (None, "eager", "sdpa")
EXPERTS = (None, "eager")
ALLOWED: dict[str, tuple] = {
    "attn_implementation": ATTENTION,
    "_attn_implementation": ATTENTION,
    "experts_implementation": EXPERTS,
    "_experts_implementation": EXPERTS,
}
"""Keys that choose code, at any depth, and their values; other values would fetch kernels."""

_PLAIN = "convert the checkpoint to plain float32, float16 or bfloat16 weights"
_ONE_PLACE = "remove the key; only the standard names of files are read"
_NO_KERNELS = "remove the key; kernels are never fetched"
REFUSED = {
    "quantization_config": _PLAIN,
    "compression_config": _PLAIN,
    "transformers_weights": _ONE_PLACE,
    "configuration_files": _ONE_PLACE,
    "gguf_file": _ONE_PLACE,
    "kernel_config": _NO_KERNELS,
    "use_kernels": _NO_KERNELS,
}
"""Keys that lead to other files or code, at any depth, and what to do about them."""

HARMLESS = {"_name_or_path", "_commit_hash", "_attn_implementation_autoset"}
HARMLESS |= {"_flash_attn_2_enabled", "_from_model_config", "_num_labels", "_pad_token_id"}
HARMLESS |= {"_remove_final_layer_norm", "_sliding_window_pattern", "_frame_rate"}
"""Keys that begin with `_`, that transformers writes or wrote, and that lead to no code."""

NAMES = ("id2label", "label2id", "task_specific_params")
"""Keys whose content is a user's own names."""

GENERATION_REFUSED = {"custom_generate": "remove the key; code of a checkpoint is never run"}
MOST_BEAMS = 1000
TOKENIZER_REFUSED = dict.fromkeys(
    ("fast_tokenizer_files", "gguf_file", "tokenizer_object", "vocab", "merges")
    + ("post_processor", "tokenizer_padding", "tokenizer_truncation", "init_inputs"),
    _ONE_PLACE,
)


def read_config(directory: Path) -> dict[str, Any]:
    """The configuration of a checkpoint, without anything that leads to code or to other files.

    Raises:
        UserError: no configuration, an unknown model type, or a key or value that is not allowed.
    """
    if (directory / ADAPTER).exists():
        raise UserError(
            f"{directory}: expected a whole model, found an adapter beside it ({ADAPTER}); merge "
            "the adapter into the weights, or remove the file to use the model without it."
        )
    path = directory / CONFIG
    config = _read_object(path)
    _require_kind(path, config)
    for inner in tables(config):
        _refuse(path, inner, REFUSED)
        for key in inner.keys() & ALLOWED.keys():
            _require_among(path, key, inner[key], ALLOWED[key])
        _refuse_private(path, inner, HARMLESS | ALLOWED.keys())
    return config


def tables(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A configuration and the configurations in it, at any depth."""
    yield config
    for key, value in config.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and key not in NAMES:
                yield from tables(item)


def check_companions(directory: Path) -> None:
    """Judge a checkpoint's tokenizer_config.json and generation_config.json, if it has them.

    Raises:
        UserError: not a JSON object, or a key that leads elsewhere or to another way to generate.
    """
    check_tokenizer_config(directory)
    path = directory / GENERATION_CONFIG
    if path.is_file():
        config = _read_object(path)
        _refuse(path, config, GENERATION_REFUSED)
        _refuse_private(path, config, HARMLESS)
        for key in ("num_beams", "num_beam_groups", "num_return_sequences"):
            value = config.get(key)
            if value is not None and not (type(value) is int and 1 <= value <= MOST_BEAMS):
                raise UserError(
                    f"{path}: expected `{key}` from 1 to {MOST_BEAMS}, found {shown(value)}; "
                    "correct it or remove the key."
                )


def check_tokenizer_config(directory: Path) -> None:
    """Judge a folder's tokenizer_config.json, if it has one.

    Raises:
        UserError: not a JSON object, or a key that leads elsewhere.
    """
    path = directory / TOKENIZER_CONFIG
    if path.is_file():
        config = _read_object(path)
        _refuse(path, config, TOKENIZER_REFUSED)
        _refuse_private(path, config, HARMLESS)


def _read_object(path: Path) -> dict[str, Any]:
    if path.is_file() and path.stat().st_size > LARGEST_FILE:
        raise UserError(f"{path}: expected at most {LARGEST_FILE} bytes, found a larger file.")
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected keys and values, found {shown(content)}.")
    return content


def _require_kind(path: Path, config: dict[str, Any]) -> None:
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise UserError(
            f"{path}: expected `model_type`, the name of an architecture, found {shown(kind)}."
        )
    if kind not in KINDS and kind not in _types():
        raise UserError(
            f"{path}: transformers does not have this architecture (`model_type: {shown(kind)}`); "
            "code that comes with a checkpoint is never run."
        )
    classes = config.get("architectures")
    if classes is not None and not (
        isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    ):
        raise UserError(
            f"{path}: expected `architectures`, a list of class names, found {shown(classes)}."
        )
    code = config.get("auto_map")
    if code is not None and not isinstance(code, dict):
        raise UserError(f"{path}: expected `auto_map` with names of classes, found {shown(code)}.")
    both = config.get("is_encoder_decoder")
    if both is not None and not isinstance(both, bool):
        raise UserError(
            f"{path}: expected `is_encoder_decoder` true or false, found {shown(both)}."
        )


def _types() -> dict[str, str]:
    """The model types of transformers; imported only for one that `KINDS` does not have."""
    from transformers.models.auto.auto_mappings import CONFIG_MAPPING_NAMES

    return CONFIG_MAPPING_NAMES


def _require_among(path: Path, key: str, value: Any, allowed: tuple) -> None:
    # Not `in`: 0 and false are equal, and a list cannot be looked up.
    if not any(value is item or (isinstance(value, str) and value == item) for item in allowed):
        names = ", ".join(str(name) for name in allowed if name)
        raise UserError(
            f"{path}: expected `{key}` among {names}, found {shown(value)}; other code is never "
            "fetched: change the value or remove the key."
        )


def _refuse(path: Path, config: dict[str, Any], refused: dict[str, str]) -> None:
    for key in sorted(config.keys() & refused.keys()):
        if config[key] not in (None, False, [], {}):
            raise UserError(
                f"{path}: the key `{key}` is not supported, found {shown(config[key])}; "
                f"{refused[key]}."
            )


def _refuse_private(path: Path, config: dict[str, Any], known: set[str]) -> None:
    for key in config:
        if key.startswith("_") and key not in known:
            raise UserError(
                f"{path}: the key {shown(key)} is not known; keys that begin with `_` set what "
                "transformers keeps for itself, so remove it."
            )
