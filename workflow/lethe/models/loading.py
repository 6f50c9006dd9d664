"""Load a plain hub directory: safetensors only, whole or not at all, never remote code."""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from lethe.artefacts import read_json
from lethe.errors import UserError
from lethe.models.architectures import ARCHITECTURES
from lethe.models.weights import check_whole, weight_files


def check_checkpoint(directory: Path) -> None:
    """Raise UserError unless `directory` holds a config and whole safetensors weights."""
    if not directory.is_dir():
        raise UserError(f"Expected a checkpoint directory at {directory}, found none.")
    if not (directory / "config.json").is_file():
        raise UserError(f"{directory} is no checkpoint directory: it has no config.json.")
    for name in weight_files(directory):
        check_whole(directory / name)


def load_model(directory: Path, dtype: str = "float32", device: str | None = None) -> Any:
    """The model in a checkpoint directory, in the given torch dtype.

    On the device `meta` no weights are read, but that all are there with the right shapes is
    still found out.

    Raises:
        UserError: no such directory, no safetensors weights, or weights that are cut, altered or
            not all there (transformers would fill the gaps with random numbers).
    """
    check_checkpoint(directory)
    try:
        model, report = _model_class(directory).from_pretrained(
            directory,
            dtype=getattr(torch, dtype),
            device_map=device,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{directory}: cannot be loaded: {first_line(error)}") from None
    if mismatched := sorted(report["mismatched_keys"]):
        name, found, wanted = mismatched[0]
        raise UserError(
            f"{directory}: its weights have {name} of shape {list(found)}, config.json asks for "
            f"{list(wanted)}; they are of two different models."
        )
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
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    if config.get("is_encoder_decoder"):
        return AutoModelForSeq2SeqLM
    return AutoModelForMaskedLM if is_masked(config.get("architectures")) else AutoModelForCausalLM


def is_masked(architectures: list[str] | None) -> bool:
    """Whether the classes that a configuration names are those of a masked language model."""
    return any(name.endswith("ForMaskedLM") for name in architectures or [])


def require_family(model, family: str, directory: Path) -> None:
    """Raise UserError unless the loaded model is of the family that its catalogue entry names."""
    found = "masked" if is_masked([type(model).__name__]) else "causal"
    if model.config.is_encoder_decoder:
        found = "seq2seq"
    if family != found:
        raise UserError(
            f"{directory}: expected a model of family {family!r}, found {found!r} (model type "
            f"{model.config.model_type!r}); set `family: {found}` in the model's entry."
        )


def first_line(error: Exception) -> str:
    """What an error says, without its details."""
    return str(error).strip().partition("\n")[0]


def load_tokenizer(directory: Path | str):
    """The tokenizer in a checkpoint or data directory, with a padding token.

    A `tokenizer.json` is read without transformers' automatic classes, slow to import. Where no
    padding token is named, as in LLaMA, the end token pads: padded positions are never attended
    to and carry no loss.
    """
    from transformers import PreTrainedTokenizerFast

    if (Path(directory) / "tokenizer.json").exists():
        tokenizer = PreTrainedTokenizerFast.from_pretrained(directory, local_files_only=True)
    else:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
