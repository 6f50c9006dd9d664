"""A checkpoint as its method means it: a plain model, or one with what the method adds."""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from lethe.artefacts.files import read_json, write_atomic
from lethe.artefacts.paths import MANIFEST
from lethe.errors import UserError
from lethe.methods.contract import Method
from lethe.methods.registry import create

METHOD_STATE = "method_state.safetensors"
# In the state's header and the manifest: digest of the weights of the base that the chain began on.
BASE = "base_weights"


def save_state(method: Method, directory: Path, base: str) -> list[str]:
    """Write a method's state beside the weights; a method without state has no file.

    Args:
        base: digest of the weights of the base that the chain began on. The importances or gates
            of another base fit by their shapes, and mean nothing.
    """
    state: dict[str, torch.Tensor] = {k: v.contiguous() for k, v in method.state().items()}
    if not state:
        (directory / METHOD_STATE).unlink(missing_ok=True)
        return []
    write_atomic(directory / METHOD_STATE, save(state, {BASE: base}))
    return [METHOD_STATE]


def load_state(method: Method, directory: Path) -> None:
    """Give a method the state that a checkpoint keeps for it; nothing if it keeps none.

    Raises:
        UserError: the state is not of the base that the checkpoint's chain began on.
    """
    path = directory / METHOD_STATE
    if not path.is_file():
        return
    expected = read_json(directory / MANIFEST["stage"]).get(BASE)
    with safe_open(path, "pt") as file:
        found = (file.metadata() or {}).get(BASE)
    if found is None or found != expected:
        wanted = f"with weights {expected[:12]}" if expected else f"that {MANIFEST['stage']} names"
        told = f"that of a base with weights {found[:12]}" if found else "one that names no base"
        raise UserError(
            f"{path}: expected a method's state made on the base {wanted}, found {told}; remove "
            f"{directory} and run its stage again."
        )
    method.load_state(load_file(path))


def method_of(directory: Path) -> Method | None:
    """The method of a checkpoint, with its state; None for one that no stage here made."""
    manifest = directory / MANIFEST["stage"]
    if not manifest.is_file():
        return None
    spec = read_json(manifest)["spec"]
    method = create(spec["method"], spec["hyper"])
    load_state(method, directory)
    return method


def attach(model, directory: Path):
    """The network with what its method adds, and that method or None; on the model's device."""
    method = method_of(directory)
    if method is None:
        return model, None
    model = method.attach(model)
    if method.extra is not None:
        method.extra.to(next(model.parameters()).device)
    return model, method
