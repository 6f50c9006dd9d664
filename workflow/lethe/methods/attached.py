"""A checkpoint as its method means it: a plain model, or one with what the method adds."""

from pathlib import Path

from safetensors.torch import load_file

from lethe.artefacts import read_json
from lethe.methods.contract import Method
from lethe.methods.registry import create
from lethe.paths import STAGE_MANIFEST

METHOD_STATE = "method_state.safetensors"


def method_of(directory: Path) -> Method | None:
    """The method of a checkpoint, with its state; None for one that no stage here made."""
    manifest = directory / STAGE_MANIFEST
    if not manifest.is_file():
        return None
    spec = read_json(manifest)["spec"]
    method = create(spec["method"], spec["hyper"])
    if (directory / METHOD_STATE).is_file():
        method.load_state(load_file(directory / METHOD_STATE))
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
