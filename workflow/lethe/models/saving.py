"""Save a model as a plain hub directory."""

import os
from pathlib import Path

import torch
from safetensors.torch import save_file

from lethe.artefacts.files import atomic_path, write_atomic


def save_model(model, tokenizer, directory: Path) -> list[str]:
    """Write weights, config and tokenizer, each file completely or not at all.

    Returns:
        The names of the files written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with atomic_path(directory / "model.safetensors") as path:
        save_file(_untied(model), path, metadata={"format": "pt"})
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
