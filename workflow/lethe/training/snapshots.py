"""Interrupted training: a full snapshot, outside the declared outputs, to resume from."""

import hashlib
import json
import time
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from lethe.artefacts.files import atomic_path, digest
from lethe.errors import UserError

SNAPSHOT = "snapshot.safetensors"


class Snapshots:
    """Writes the state of a loop every `seconds`, and reads it back.

    A snapshot is one file, replaced atomically. Its header holds a digest of the tensors' bytes,
    and the digest of the spec, so that a state of another spec is never resumed.
    """

    def __init__(self, directory: Path, spec: dict, seconds: float):
        self.path = directory / SNAPSHOT
        self.spec = digest(spec)
        self.seconds = seconds
        self.last = time.monotonic()

    def due(self) -> bool:
        return time.monotonic() - self.last >= self.seconds

    def write(self, step: int, tensors: dict[str, torch.Tensor], log: list) -> None:
        header = {"spec": self.spec, "step": str(step), "log": json.dumps(log)}
        header["check"] = checksum(tensors)
        with atomic_path(self.path) as path:
            save_file(tensors, path, metadata=header)
        self.last = time.monotonic()

    def read(self) -> tuple[int, dict[str, torch.Tensor], list] | None:
        """The step to resume from, the tensors and the log so far; None: start from the beginning.

        A snapshot that is damaged or belongs to another spec is ignored.
        """
        try:
            with safe_open(self.path, "pt") as file:
                header = file.metadata() or {}
            tensors = load_file(self.path)
        except (OSError, ValueError, SafetensorError):
            return None
        if header.get("spec") != self.spec or header.get("check") != checksum(tensors):
            return None
        return int(header["step"]), tensors, json.loads(header["log"])

    def remove(self) -> None:
        """Remove the snapshot, and any half-written one that a killed job left."""
        remove_snapshots(self.path.parent)


def remove_snapshots(directory: Path) -> None:
    """Remove the snapshots of a work folder, half-written ones too."""
    for path in directory.glob(f"*{SNAPSHOT}*"):
        path.unlink(missing_ok=True)


def checksum(tensors: dict[str, torch.Tensor]) -> str:
    """Hex sha256 over names and bytes."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy())
    return total.hexdigest()


def flatten(model, optimizer, method) -> dict[str, torch.Tensor]:
    """Model, optimizer and method state under one set of names."""
    tensors = {f"model/{name}": value for name, value in model.named_parameters()}
    tensors |= {f"buffer/{name}": value for name, value in model.named_buffers()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": value for key, value in state.items()}
    tensors |= {f"method/{name}": value for name, value in method.state().items()}
    return {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}


def restore(tensors: dict[str, torch.Tensor], model, optimizer, method) -> None:
    """Put back the tensors that `flatten` returned.

    Raises:
        UserError: the tensors do not fit the model.
    """
    groups: dict[str, dict] = {"model": {}, "buffer": {}, "optimizer": {}, "method": {}}
    for name, value in tensors.items():
        group, _, rest = name.partition("/")
        groups[group][rest] = value
    try:
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(groups["model"][name])
            for name, buffer in model.named_buffers():
                buffer.copy_(groups["buffer"][name])
    except (KeyError, RuntimeError) as error:
        raise UserError(f"The saved state of this run does not fit the model: {error}.") from None
    states: dict[int, dict] = {}
    for name, value in groups["optimizer"].items():
        index, _, key = name.partition("/")
        states.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
    method.load_state(groups["method"])
