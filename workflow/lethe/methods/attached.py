"""A checkpoint with its method: a plain model, or one with the method's additions attached."""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from lethe.artefacts.files import read_object, write_atomic
from lethe.artefacts.paths import MANIFEST
from lethe.errors import UserError
from lethe.methods.contract import Method
from lethe.methods.registry import create
from lethe.models.weights import shapes_of

METHOD_STATE = "method_state.safetensors"
# Key in the state's header and the manifest: digest of the weights of the chain's base.
BASE = "base_weights"


def save_state(method: Method, directory: Path, base: str) -> list[str]:
    """Write a method's state beside the weights; a method without state has no file.

    Args:
        base: digest of the weights of the chain's base. Importances or gates of another base have
            the right shapes, but mean nothing.
    """
    state: dict[str, torch.Tensor] = {k: v.contiguous() for k, v in method.state().items()}
    if not state:
        (directory / METHOD_STATE).unlink(missing_ok=True)
        return []
    write_atomic(directory / METHOD_STATE, save(state, {BASE: base}))
    return [METHOD_STATE]


def load_state(method: Method, directory: Path) -> None:
    """Load the state that a checkpoint keeps for a method, if there is any.

    Raises:
        UserError: the state was made on another base than the checkpoint's chain began with.
    """
    path = directory / METHOD_STATE
    if not path.is_file():
        return
    expected = read_object(directory / MANIFEST["stage"]).get(BASE)
    shapes_of(path)
    with safe_open(path, "pt") as file:
        base = (file.metadata() or {}).get(BASE)
    if base is None or base != expected:
        wanted = f"with weights {expected[:12]}" if expected else f"that {MANIFEST['stage']} names"
        found = f"one of a base with weights {base[:12]}" if base else "one that names no base"
        raise UserError(
            f"{path}: expected a method's state made on the base {wanted}, found {found}; remove "
            "its folder and run the stage again."
        )
    method.load_state(load_file(path))


def method_of(directory: Path) -> Method | None:
    """The method of a checkpoint, with its state; None if no stage of Lethe made it.

    Raises:
        UserError: the stage's record names no method that there is, or its state is damaged.
    """
    manifest = directory / MANIFEST["stage"]
    if not manifest.is_file():
        return None
    try:
        spec = read_object(manifest)["spec"]
        method = create(spec["method"], spec["hyper"])
    except (LookupError, TypeError, AttributeError, ModuleNotFoundError) as error:
        raise UserError(
            f"{manifest}: expected the record of a stage with its method, found another one "
            f"({error}); copy the stage's folder again, or remove this file to score the weights "
            "alone."
        ) from None
    load_state(method, directory)
    return method


def attach(model, directory: Path):
    """The network with its method's additions, and the method or None; on the model's device."""
    method = method_of(directory)
    if method is None:
        return model, None
    model = method.attach(model)
    if method.extra is not None:
        method.extra.to(next(model.parameters()).device)
    return model, method
