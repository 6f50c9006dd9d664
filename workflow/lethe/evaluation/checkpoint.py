"""A checkpoint directory opened for scoring: model, tokenizer, and what identifies them."""

from lethe.evaluation import environment  # noqa: F401  isort: skip (before its readers)

import json
import struct
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from lethe.artefacts import file_entry, read_json
from lethe.errors import UserError
from lethe.models.checkpoints import ARCHITECTURES, load_tokenizer

DTYPES = ("float32", "bfloat16", "float16")
# Files beside the weights that change what a model answers.
IDENTIFYING = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json")


def open_checkpoint(directory: Path, dtype: str) -> tuple[Any, Any]:
    """(model, tokenizer) of a plain hub directory, on the GPU if there is one.

    Raises:
        UserError: no such directory, no safetensors weights, or weights that are cut or altered.
    """
    check_checkpoint(directory)
    if dtype not in DTYPES:
        raise UserError(f"Expected the dtype {', '.join(DTYPES)}, found {dtype!r}.")
    model = _load_model(directory, dtype)
    if torch.cuda.is_available():
        model = model.to("cuda")
    try:
        return model.eval(), load_tokenizer(directory)
    except (OSError, ValueError) as error:
        raise UserError(f"{directory}: no tokenizer to be loaded: {_first_line(error)}") from None


def identifying_files(directory: Path) -> dict[str, str]:
    """sha256 of the small files beside the weights on which scores depend."""
    return {
        name: file_entry(directory / name)["sha256"]
        for name in IDENTIFYING
        if (directory / name).is_file()
    }


def check_checkpoint(directory: Path) -> None:
    """Raise UserError unless `directory` holds a config and whole safetensors weights."""
    if not directory.is_dir():
        raise UserError(f"Expected a checkpoint directory at {directory}, found none.")
    if not (directory / "config.json").is_file():
        raise UserError(f"{directory} is no checkpoint directory: it has no config.json.")
    weights = sorted(directory.glob("*.safetensors"))
    if not weights:
        pickled = sorted([*directory.glob("*.bin"), *directory.glob("*.pt")])
        found = f"only pickled weights ({pickled[0].name})" if pickled else "no weights"
        raise UserError(
            f"Expected *.safetensors weights in {directory}, found {found}; "
            "convert the checkpoint to safetensors first."
        )
    for file in weights:
        _check_length(file)


def _check_length(file: Path) -> None:
    """A safetensors header says how long the file must be."""
    size = file.stat().st_size
    try:
        with open(file, "rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            if length > size:
                raise ValueError
            header = json.loads(handle.read(length))
        ends = [value["data_offsets"][1] for key, value in header.items() if key != "__metadata__"]
    except (ValueError, struct.error, KeyError, TypeError):
        raise UserError(f"{file} is not a whole safetensors file: its header is cut.") from None
    wanted = 8 + length + max(ends, default=0)
    if size != wanted:
        raise UserError(f"{file} is cut or altered: expected {wanted} bytes, found {size}.")


def _load_model(directory: Path, dtype: str) -> Any:
    try:
        model, report = _model_class(directory).from_pretrained(
            directory,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{directory}: cannot be loaded: {_first_line(error)}") from None
    missing = sorted(report["missing_keys"])
    if missing:
        raise UserError(
            f"{directory}: its weights lack {missing[0]} and {len(missing) - 1} more that "
            "config.json asks for; the checkpoint is incomplete or its config is another model's."
        )
    return model


def _model_class(directory: Path) -> Any:
    config = read_json(directory / "config.json")
    kind = config.get("model_type")
    if kind in ARCHITECTURES:
        module, _, name = ARCHITECTURES[kind]
        return getattr(import_module(module), name)
    # Only now: the automatic classes take a second to import.
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM if config.get("is_encoder_decoder") else AutoModelForCausalLM


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
