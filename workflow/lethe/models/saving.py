"""Save a model as a plain hub directory."""

import copy
import os
from pathlib import Path

import torch
from safetensors.torch import save_file

from lethe.artefacts.files import atomic_path, write_atomic
from lethe.errors import UserError
from lethe.models.checkpoint_files import GENERATION_CONFIG


def save_model(model, tokenizer, directory: Path, dtype: str = "float32") -> list[str]:
    """Write weights, config and tokenizer, each file completely or not at all.

    Args:
        dtype: to which the weights in the file are rounded; the model itself stays as it is.

    Returns:
        The names of the files written.

    Raises:
        UserError: a weight is too large for `dtype`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    state, config = _untied(model), model.config
    if dtype != "float32":
        state, config = rounded(state, getattr(torch, dtype)), copy.deepcopy(config)
        config.dtype = getattr(torch, dtype)
    with atomic_path(directory / "model.safetensors") as path:
        save_file(state, path, metadata={"format": "pt"})
    return sorted({"model.safetensors", *save_companions(config, tokenizer, directory)})


def save_companions(config, tokenizer, directory: Path) -> list[str]:
    """Write what a checkpoint has besides weights, configuration and tokenizer; their names."""
    directory.mkdir(parents=True, exist_ok=True)
    write_atomic(directory / "config.json", config.to_json_string(use_diff=True))
    names = ["config.json"]
    for path in tokenizer.save_pretrained(directory):
        if os.path.exists(path):
            names.append(os.path.basename(path))
    return sorted(set(names))


def keep_generation_rules(parent: Path, directory: Path) -> list[str]:
    """Give a stage its parent's rules of generation, so that a chain answers under the same ones.

    Returns:
        The names of the files written.
    """
    if not (parent / GENERATION_CONFIG).is_file():
        return []
    write_atomic(directory / GENERATION_CONFIG, (parent / GENERATION_CONFIG).read_bytes())
    return [GENERATION_CONFIG]


def rounded(state: dict[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The state with its floating-point tensors in another dtype.

    Raises:
        UserError: a weight is too large for it.
    """
    kept = {}
    for name, tensor in state.items():
        kept[name] = tensor.to(dtype) if tensor.is_floating_point() else tensor
        if not kept[name].isfinite().all() and tensor.isfinite().all():
            raise UserError(
                f"The weights of {name} go up to {tensor.abs().max():.3g}, more than `kept_dtype: "
                f"{str(dtype).removeprefix('torch.')}` can hold; choose `bfloat16` or `float32` "
                "in the recipe."
            )
    return kept


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
