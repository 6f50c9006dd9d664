"""A checkpoint directory opened for scoring: model, tokenizer, and what identifies them."""

from lethe.evaluation import environment  # noqa: F401  isort: skip (before its readers)

import difflib
import struct
from pathlib import Path
from typing import Any

import torch

from lethe.artefacts import file_entry, read_json
from lethe.errors import UserError
from lethe.models.checkpoints import load_model, load_tokenizer

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
        near = difflib.get_close_matches(str(dtype), DTYPES, n=1, cutoff=0.0)[0]
        raise UserError(f"Expected a dtype of {', '.join(DTYPES)}, found {dtype!r}; {near}?")
    if read_json(directory / "config.json").get("is_encoder_decoder"):
        model = _load_encoder_decoder(directory, dtype)
    else:
        model = load_model(directory, dtype)
    if torch.cuda.is_available():
        model = model.to("cuda")
    return model.eval(), load_tokenizer(directory)


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
    import json

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


def _load_encoder_decoder(directory: Path, dtype: str) -> Any:
    from transformers import AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM.from_pretrained(
        directory,
        dtype=getattr(torch, dtype),
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
