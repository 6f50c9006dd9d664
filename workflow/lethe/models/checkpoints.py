"""Build, load and save models as plain hub directories (safetensors only, never remote code)."""

import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save

from lethe.artefacts import write_atomic
from lethe.errors import UserError

# One place names the classes, so that a job imports only the architecture it runs.
ARCHITECTURES = {
    "llama": ("transformers.models.llama", "LlamaConfig", "LlamaForCausalLM"),
}


def build(architecture: str, config: dict, tokenizer, seed: int):
    """A randomly initialised model.

    Args:
        architecture: one of `ARCHITECTURES`.
        config: keyword arguments of the transformers configuration; vocabulary size and special
            tokens come from the tokenizer.
        seed: the base seed; the same seed gives the same weights bit by bit.
    """
    module, config_class, model_class = ARCHITECTURES[architecture]
    module = __import__(module, fromlist=[config_class, model_class])
    settings = getattr(module, config_class)(
        **config,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    return getattr(module, model_class)(settings)


def load_model(directory: Path | str, dtype: str = "float32"):
    """The model in a checkpoint directory, in the given torch dtype.

    Raises:
        UserError: no safetensors weights there, or they cannot be read.
    """
    directory = Path(directory)
    if not list(directory.glob("*.safetensors")):
        raise UserError(
            f"{directory} holds no *.safetensors weights; convert the checkpoint to safetensors "
            "(pickled weights are never loaded)."
        )
    try:
        return _model_class(directory).from_pretrained(
            directory, dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True
        )
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"The checkpoint {directory} cannot be loaded: {reason}") from None


def _model_class(directory: Path):
    import json

    try:
        kind = json.loads((directory / "config.json").read_text())["model_type"]
    except (OSError, ValueError, KeyError):
        raise UserError(
            f"{directory}/config.json: expected a config with a `model_type`."
        ) from None
    if kind in ARCHITECTURES:
        module, _, name = ARCHITECTURES[kind]
        return getattr(__import__(module, fromlist=[name]), name)
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM


def load_tokenizer(directory: Path | str):
    """The tokenizer in a checkpoint or data directory.

    A `tokenizer.json` is read without transformers' automatic classes, which cost seconds to import.
    """
    from transformers import PreTrainedTokenizerFast

    if (Path(directory) / "tokenizer.json").exists():
        return PreTrainedTokenizerFast.from_pretrained(directory, local_files_only=True)
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(directory, local_files_only=True)


def save_model(model, tokenizer, directory: Path) -> list[str]:
    """Write weights, config and tokenizer, each file whole or not at all.

    Returns:
        The names of the files written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    write_atomic(directory / "model.safetensors", save(_untied(model), metadata={"format": "pt"}))
    write_atomic(directory / "config.json", model.config.to_json_string(use_diff=True))
    names = ["model.safetensors", "config.json"]
    for path in tokenizer.save_pretrained(directory):
        if os.path.exists(path):
            names.append(os.path.basename(path))
    return sorted(set(names))


def _untied(model) -> dict[str, torch.Tensor]:
    """The state without second names of shared tensors, which safetensors refuses."""
    seen, state = set(), {}
    for name, tensor in model.state_dict().items():
        key = (tensor.data_ptr(), tensor.shape)
        if tensor.numel() and key in seen:
            continue
        seen.add(key)
        state[name] = tensor.detach().cpu().contiguous()
    return state
