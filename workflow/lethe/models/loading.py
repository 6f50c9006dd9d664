"""Load a plain hub directory: safetensors only, whole or not at all, never remote code."""

import json
import struct
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from lethe.artefacts import read_json
from lethe.errors import UserError
from lethe.models.architectures import ARCHITECTURES


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


def load_model(directory: Path, dtype: str = "float32") -> Any:
    """The model in a checkpoint directory, in the given torch dtype.

    Raises:
        UserError: no such directory, no safetensors weights, or weights that are cut, altered or
            not all there (transformers would fill the gaps with random numbers).
    """
    check_checkpoint(directory)
    try:
        model, report = _model_class(directory).from_pretrained(
            directory,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{directory}: cannot be loaded: {first_line(error)}") from None
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


def require_family(model, family: str, directory: Path) -> None:
    """Raise UserError unless the loaded model is of the family that its catalogue entry names."""
    found = "seq2seq" if model.config.is_encoder_decoder else "causal"
    if family != found:
        raise UserError(
            f"{directory}: expected a model of family {family!r}, found {found!r} (model type "
            f"{model.config.model_type!r}); set `family: {found}` in the model's entry."
        )


def first_line(error: Exception) -> str:
    """What an error says, without its details."""
    return str(error).strip().partition("\n")[0]


def load_tokenizer(directory: Path | str):
    """The tokenizer in a checkpoint or data directory.

    A `tokenizer.json` is read without transformers' automatic classes, slow to import.
    """
    from transformers import PreTrainedTokenizerFast

    if (Path(directory) / "tokenizer.json").exists():
        return PreTrainedTokenizerFast.from_pretrained(directory, local_files_only=True)
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(directory, local_files_only=True)
