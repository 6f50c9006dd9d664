"""Load a plain hub directory: safetensors only, complete or not at all.

No code of a checkpoint is ever run. The family of a checkpoint is checked here too, before anything
is trained.
"""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

import logging
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from lethe.artefacts.paths import MANIFEST
from lethe.errors import UserError
from lethe.models.as_loaded import keep_as_loaded, kept_apart, require_finite
from lethe.models.checkpoint_files import (
    CONFIG,
    check_companions,
    read_config,
)
from lethe.models.import_folder import require_head, require_no_adapter
from lethe.models.kinds import kind_of
from lethe.models.refusals import refused_as_sentence
from lethe.models.sizes import check_sizes
from lethe.models.weights import weight_shapes
from lethe.parameters.families import IN_WORDS, family_of_classes

LOG = logging.getLogger(__name__)
LAYER = re.compile(r"\.\d+\.")


def check_checkpoint(directory: Path) -> None:
    """Raise UserError unless `directory` holds a plain model that its weights can fill.

    Only small files and headers are read: nothing is built and no code of the checkpoint runs.
    """
    if not directory.is_dir():
        raise UserError(f"Expected a checkpoint directory at {directory}, found none.")
    if not (directory / CONFIG).is_file():
        require_no_adapter(directory, str(directory))
        raise UserError(f"{directory} is not a checkpoint directory: it has no {CONFIG}.")
    config = read_config(directory)
    check_companions(directory)
    check_sizes(directory / CONFIG, config, weight_shapes(directory))


def made_here(directory: Path) -> str | None:
    """The name of the manifest that Lethe wrote for a checkpoint; None for any other checkpoint."""
    names = (MANIFEST["stage"], MANIFEST["base"])
    return next((name for name in names if (directory / name).is_file()), None)


def load_model(directory: Path, dtype: str = "float32") -> Any:
    """The model in a checkpoint directory, in the given torch dtype.

    A checkpoint from elsewhere is built without weights first, so that memory is only used for a
    model that fits; where its configuration contradicts its weights, the log says so.

    Raises:
        UserError: no such directory, no safetensors weights, weights that are truncated, altered,
            incomplete (transformers would fill the gaps with random numbers) or not finite, or a
            configuration that does not fit them.
    """
    check_checkpoint(directory)
    if made_here(directory):
        return _build(directory, dtype)
    _build(directory, dtype, "meta")
    model = _build(directory, dtype)
    require_finite(model, directory)
    for sentence in kept_apart(model):
        LOG.warning("%s: %s", directory, sentence)
    return model


def _build(directory: Path, dtype: str, device: str | None = None) -> Any:
    with refused_as_sentence(f"{directory} cannot be loaded"):
        model, report = _model_class(directory).from_pretrained(
            directory,
            dtype=getattr(torch, dtype),
            device_map=device,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    if mismatched := sorted(report["mismatched_keys"]):
        name, found, wanted = mismatched[0]
        raise UserError(
            f"{directory}: expected {name} with shape {list(wanted)} as in config.json, found "
            f"{list(found)} in the weights; they belong to two different models."
        )
    if missing := sorted(report["missing_keys"]):
        advice = "the checkpoint is incomplete or its config is another model's"
        if set(missing) <= (model._tied_weights_keys or {}).keys():
            advice = "if it is to share a matrix, set `tie_word_embeddings: true` in config.json"
        raise UserError(
            f"{directory}: the weights lack {missing[0]} and {len(missing) - 1} more that "
            f"config.json asks for; {advice}."
        )
    if surplus := _surplus_layers(model, report["unexpected_keys"]):
        raise UserError(
            f"{directory}: the weights have {surplus[0]} and {len(surplus) - 1} more in layers "
            "that config.json does not ask for; correct its number of layers."
        )
    keep_as_loaded(model)
    return model


def _surplus_layers(model: Any, unexpected: Iterable[str]) -> list[str]:
    """Names of weights that would be parameters of a model with more layers.

    Other weights may be left over: heads for other tasks, or buffers of earlier versions.
    """
    known = {LAYER.sub(".N.", name) for name in model.state_dict()} if unexpected else set()
    return sorted(name for name in unexpected if LAYER.sub(".N.", name) in known)


def _model_class(directory: Path) -> Any:
    config = read_config(directory)
    if (built := kind_of(config["model_type"]).built) is not None:
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


def check_family(directory: Path, family: str) -> None:
    """Refuse a checkpoint whose family differs from the catalogue's.

    Raises:
        UserError: the family differs, or transformers lacks the architecture.
    """
    config = read_config(directory)
    require_head(directory, config, family)
    if (found := family_of(directory)) != family:
        kind = config["model_type"]
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

    read_config(directory)
    with refused_as_sentence(f"{directory / CONFIG} cannot be read"):
        config = AutoConfig.from_pretrained(
            directory, local_files_only=True, trust_remote_code=False
        )
    return family_of_classes(config.architectures, config.is_encoder_decoder)
