"""What the small files of a checkpoint folder say about it, before any job: nothing heavy here."""

import os
from math import prod
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json
from lethe.errors import UserError
from lethe.models.kinds import kind_of
from lethe.models.weights import weight_files, weight_shapes
from lethe.parameters.families import IN_WORDS, Family, family_of_classes

ADAPTER = "adapter_config.json"
ADAPTER_FILES = (ADAPTER, "adapter_model.safetensors", "adapter_model.bin")
BOTTLENECKS = "bottleneck_adapters.safetensors"
"""Bottleneck adapters of a stage, which nothing but Lethe reads."""
LARGEST_FILE = 2**26
"""Bytes of a file of settings; the largest known, with tens of thousands of added tokens, has
2^23."""
DECODING = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
MATRIX = 3
"""Most dimensions of a parameter; tensors with more are causal masks that GPT-2 and others kept."""


def parameters_of(path: str, family: Family, where: str) -> int:
    """The number of parameters in a folder, from the headers of its weights.

    An output layer that is in the file counts, even if it is tied to the embeddings.

    Args:
        family: as the catalogue names it.
        where: the key that names the folder, for messages.

    Raises:
        UserError: it holds no model of this family that can be loaded, as far as its small files
            tell; or an adapter, a GGUF file, or pickled or damaged weights.
    """
    folder = Path(path)
    _require_weights(folder, where)
    config = read_json(folder / "config.json")
    if isinstance(config, dict):
        require_head(folder, config, family)
        _require_family(folder, config, family, where)
    return _counted(folder)


def parameters_in(folder: Path) -> int:
    """The number of parameters in a folder; 0 if its weights are not whole yet."""
    try:
        return _counted(folder)
    except UserError:
        return 0


def _counted(folder: Path) -> int:
    return sum(prod(shape) for shape in weight_shapes(folder).values() if len(shape) <= MATRIX)


def _require_weights(folder: Path, where: str) -> None:
    """Raise UserError for a folder in another format, with the way to convert it."""
    if not os.path.isdir(folder):
        found = "a file" if os.path.isfile(folder) else "none"
        raise UserError(f"{where}: expected a checkpoint folder, found {found} at {folder}.")
    require_no_adapter(folder, where)
    if (folder / BOTTLENECKS).is_file():
        raise UserError(
            f"{where}: expected a whole model, found bottleneck adapters alone in {folder}, a "
            "stage of another study, which no class of transformers can hold; score it in its own "
            "results with `lethe evaluate`."
        )
    if any(folder.glob("*.safetensors")):
        weight_files(folder)
    elif gguf := sorted(folder.glob("*.gguf")):
        raise UserError(
            f"{where}: expected *.safetensors weights, found {gguf[0].name} in {folder}; convert "
            "it with `lethe convert FILE.gguf --to FOLDER`, and import that folder."
        )
    else:
        raise UserError(
            f"{where}: {folder} holds no *.safetensors weights; convert it first "
            "(from_pretrained, then save_pretrained of transformers)."
        )
    if not (folder / "config.json").is_file():
        raise UserError(f"{where}: {folder} has no config.json, so it is not in hub format.")


def require_no_adapter(folder: Path, where: str) -> None:
    """Raise UserError for a folder with a PEFT adapter, with the way to merge it."""
    if any((folder / name).exists() for name in ADAPTER_FILES):
        raise UserError(
            f"{where}: expected a whole model, found a PEFT adapter in {folder}; merge it with "
            "`merge_and_unload` of PEFT, save model and tokenizer with `save_pretrained`, and "
            "import that folder (the manual shows how), or remove the adapter's files; only a "
            "later stage in `imports` may be an adapter."
        )


def require_head(folder: Path, config: dict[str, Any], family: str) -> None:
    """Raise UserError for an encoder without the head that turns its states into words."""
    classes = config.get("architectures")
    kind = kind_of(config.get("model_type")).family
    if not isinstance(classes, list) or not classes or "masked" not in (family, kind):
        return
    names = [str(name) for name in classes]
    decodes = any(name.endswith(DECODING) for name in names)
    if not decodes and family_of_classes(names, False) != "masked":
        raise UserError(
            f"{folder}: expected a language model, found {names[0]}, which has no "
            "language-modelling head; import a checkpoint of its class ...ForMaskedLM, or load it "
            "with AutoModelForMaskedLM, which makes a new head, train that, and import the result."
        )


def _require_family(folder: Path, config: dict[str, Any], family: str, where: str) -> None:
    """Raise UserError if the names of classes show another family; else a job finds out."""
    classes = config.get("architectures")
    names = [str(name) for name in classes] if isinstance(classes, list) else []
    known = kind_of(config.get("model_type")).family
    found = family_of_classes(names, bool(config.get("is_encoder_decoder") or known == "seq2seq"))
    if names and found != family and ("masked" in (found, family) or found == known):
        raise UserError(
            f"{where}: expected {IN_WORDS[family]}, as its `family` says, found {names[0]} in "
            f"{folder}, {IN_WORDS[found]}; correct `family`, or give another checkpoint."
        )
