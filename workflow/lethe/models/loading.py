"""Load a plain hub directory and its tokenizer: safetensors only, complete or not at all.

Remote code is never run. The family of a checkpoint and its tokenizer are checked here too, before
anything is trained.
"""

import copy
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import processors

from lethe.artefacts.files import read_json
from lethe.errors import UserError
from lethe.models.kinds import kind_of
from lethe.models.weights import check_whole, weight_files
from lethe.parameters.families import IN_WORDS, family_of_classes


def check_checkpoint(directory: Path) -> None:
    """Raise UserError unless `directory` holds a config and complete safetensors weights."""
    if not directory.is_dir():
        raise UserError(f"Expected a checkpoint directory at {directory}, found none.")
    if not (directory / "config.json").is_file():
        raise UserError(f"{directory} is not a checkpoint directory: it has no config.json.")
    for name in weight_files(directory):
        check_whole(directory / name)


def load_model(directory: Path, dtype: str = "float32", device: str | None = None) -> Any:
    """The model in a checkpoint directory, in the given torch dtype.

    On the device `meta` no weights are read, but names and shapes are still checked.

    Raises:
        UserError: no such directory, no safetensors weights, or weights that are truncated,
            altered or incomplete (transformers would fill the gaps with random numbers).
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
        raise UserError(f"{directory} cannot be loaded: {first_line(error)}") from None
    if mismatched := sorted(report["mismatched_keys"]):
        name, found, wanted = mismatched[0]
        raise UserError(
            f"{directory}: expected {name} with shape {list(wanted)} as in config.json, found "
            f"{list(found)} in the weights; they belong to two different models."
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise UserError(
            f"{directory}: the weights lack {missing[0]} and {len(missing) - 1} more that "
            "config.json asks for; the checkpoint is incomplete or its config is another model's."
        )
    return model


def _model_class(directory: Path) -> Any:
    config = read_json(directory / "config.json")
    if (built := kind_of(config.get("model_type")).built) is not None:
        return getattr(import_module(built.module), built.model)
    # Only now: the automatic classes take a second to import.
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    classes = {
        "causal": AutoModelForCausalLM,
        "seq2seq": AutoModelForSeq2SeqLM,
        "masked": AutoModelForMaskedLM,
    }
    encoder_decoder = bool(config.get("is_encoder_decoder"))
    return classes[family_of_classes(config.get("architectures"), encoder_decoder)]


def require_family(model, family: str, directory: Path) -> None:
    """Raise UserError unless the loaded model is of the family that its catalogue entry names."""
    found = family_of_classes([type(model).__name__], model.config.is_encoder_decoder)
    if family != found:
        raise UserError(
            f"{directory}: expected a model of family {family!r}, found {found!r} (model type "
            f"{model.config.model_type!r}); set `family: {found}` in the model's entry."
        )


def first_line(error: Exception) -> str:
    """The first line of an error's message."""
    return str(error).strip().partition("\n")[0]


def load_tokenizer(directory: Path | str):
    """The tokenizer in a checkpoint or data directory, with a padding token.

    A `tokenizer.json` is read without transformers' automatic classes, which are slow to import.
    Without a padding token, as in LLaMA, the end token pads: padded positions are never attended
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


def check_family(directory: Path, family: str) -> None:
    """Refuse a checkpoint whose family differs from the catalogue's.

    Raises:
        UserError: the family differs, or transformers lacks the architecture.
    """
    found = family_of(directory)
    if found != family:
        kind = read_json(directory / "config.json").get("model_type")
        raise UserError(
            f"{directory}: expected {IN_WORDS[family]}, as its `family` says, found "
            f"{IN_WORDS[found]} of type {kind!r}; correct `family` in the catalogue, or give "
            "another checkpoint."
        )


def family_of(directory: Path) -> str:
    """`causal`, `seq2seq` or `masked`, from the configuration of a checkpoint.

    Raises:
        UserError: transformers has no such architecture (code in a repository is never run).
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{directory}/config.json: transformers does not have this architecture "
            f"({first_line(error)}); code that comes with a checkpoint is never run."
        ) from None
    return family_of_classes(config.architectures, config.is_encoder_decoder)


def check_tokenizer(directory: Path, rows: int) -> None:
    """Refuse a checkpoint without a fast tokenizer that fits its weights.

    Args:
        rows: rows of the embedding matrix.

    Raises:
        UserError: no tokenizer.json, an unreadable one, no end token, or too many tokens.
    """
    if not (directory / "tokenizer.json").is_file():
        raise UserError(
            f"{directory} has no fast tokenizer (tokenizer.json); create one with transformers "
            "(AutoTokenizer.from_pretrained(...).save_pretrained(...)) and import the folder."
        )
    try:
        tokenizer = load_tokenizer(directory)
    except Exception as error:  # the tokenizers library raises bare exceptions
        raise UserError(
            f"{directory}/tokenizer.json cannot be read ({first_line(error)}); create it again."
        ) from None
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{directory}: its tokenizer has no end token; set `eos_token` in "
            "tokenizer_config.json."
        )
    if len(tokenizer) > rows:
        raise UserError(
            f"{directory}: its tokenizer has {len(tokenizer)} tokens, its weights only {rows}; "
            "they belong to two different models."
        )


def tokenizer_for(family: str, tokenizer):
    """The tokenizer itself, or for an encoder-decoder a copy that ends texts as T5's does.

    T5's source ends with the end token, which gives the decoder a fixed place to read from, and has
    no beginning token (Raffel et al. 2020, section 2.1). lm-eval follows the tokenizer in both.
    """
    if family != "seq2seq":
        return tokenizer
    ending = copy.deepcopy(tokenizer)
    end = tokenizer.eos_token
    ending.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {end}",
        pair=f"$A {end} $B {end}",
        special_tokens=[(end, tokenizer.eos_token_id)],
    )
    ending.bos_token = None
    return ending
