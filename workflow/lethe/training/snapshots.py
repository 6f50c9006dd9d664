"""Interrupted training: a full snapshot, outside the declared outputs, to resume from."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from lethe.artefacts.files import CHUNK_BYTES, atomic_path, digest
from lethe.errors import Stopped, UserError
from lethe.jobs.ending import Ending
from lethe.training.snapshot_pace import MOMENTS, WEIGHTS, interval, seconds_for

SNAPSHOT = "snapshot.safetensors"
MARGIN = 3
"""A step and a snapshot may take so many times as long as the last ones."""
CHECK = "check"
CHECK_BYTES = hashlib.sha256().digest_size
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.complex64: "C64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""As safetensors calls them."""

State = tuple[dict[str, torch.Tensor], list]
"""Tensors and log of a loop."""


class Snapshots:
    """Writes the state of a loop now and then, and reads it back.

    A snapshot is one file, replaced atomically. Its last bytes are the sha256 of all others. Its
    header holds the step, the log, and the digest of the spec, so that a state of another spec is
    never resumed.

    seconds: between two snapshots, at least.
    ending: tells when to stop; by default only the time limit does.
    """

    def __init__(self, directory: Path, spec: dict, seconds: float, ending: Ending | None = None):
        self.path = directory / SNAPSHOT
        self.spec = digest(spec)
        self.seconds = seconds
        self.ending = ending or Ending()
        self.last = time.monotonic()
        self.took = 0.0
        self._saved, self._step_started = 0, self.last

    def begin(self, model: torch.nn.Module, step: int) -> None:
        """Training starts at a step; from now on it stops only between two steps."""
        self.ending.hold()
        trained = sum(
            parameter.nbytes for parameter in model.parameters() if parameter.requires_grad
        )
        size = (WEIGHTS + MOMENTS) * trained
        self.took = seconds_for(size)
        self._saved, self._step_started = step, time.monotonic()

    def due(self) -> bool:
        """Whether `seconds` have passed, and so much time that snapshots take a small share."""
        return time.monotonic() - self.last >= interval(self.seconds, self.took)

    def between_steps(self, step: int, last: int, state: Callable[[], State]) -> None:
        """Write the state before `step` (of `last`) if that is due, or if the job must end.

        Raises:
            Stopped: the job has to end, and the state is saved.
        """
        step_seconds = time.monotonic() - self._step_started
        leave = MARGIN * (self.took + step_seconds)
        if step > self._saved and (self.due() or self.ending.is_near(leave)):
            self.write(step, *state())
            self._saved = step
        if step == self._saved and self.ending.is_near(leave):
            raise Stopped(
                f"stopped at step {step} of {last} ({self.ending.reason}), with all of it saved; "
                "run again to continue."
            )
        self._step_started = time.monotonic()

    def write(self, step: int, tensors: dict[str, torch.Tensor], log: list) -> None:
        """Write tensors as they are now; one at a time is copied from a GPU."""
        started = time.monotonic()
        header = {"spec": self.spec, "step": str(step), "log": json.dumps(log)}
        check = hashlib.sha256()
        with atomic_path(self.path) as path, open(path, "wb") as file:
            for part in _parts(header, tensors):
                check.update(part)
                file.write(part)
            file.write(check.digest())
        self.last = time.monotonic()
        self.took = self.last - started

    def read(self) -> tuple[int, dict[str, torch.Tensor], list] | None:
        """The step to resume from, the tensors and the log so far; None: start from the beginning.

        A snapshot that belongs to another spec is ignored, and a damaged one too, with a line in
        the log.
        """
        try:
            if not _is_whole(self.path):
                raise ValueError("its checksum is wrong")
            with safe_open(self.path, "pt") as file:
                header = file.metadata()
            if header["spec"] != self.spec:
                return None
            tensors = load_file(self.path)
            del tensors[CHECK]
            return int(header["step"]), tensors, json.loads(header["log"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, SafetensorError) as error:
            print(
                f"lethe: the snapshot {self.path} is damaged ({error}); training starts over",
                file=sys.stderr,
            )
            return None

    def remove(self) -> None:
        """Remove the snapshot, and any half-written one that a killed job left."""
        remove_snapshots(self.path.parent)


def remove_snapshots(directory: Path) -> None:
    """Remove the snapshots of a work folder, half-written ones too."""
    for path in directory.glob(f"*{SNAPSHOT}*"):
        path.unlink(missing_ok=True)


def _parts(header: dict[str, str], tensors: dict[str, torch.Tensor]) -> Iterator[memoryview]:
    """The bytes of a safetensors file whose last tensor is a check, but for the check itself.

    safetensors' own writer needs every tensor in host memory, and a second time as bytes.
    """
    # Wide numbers first, so that all of them are aligned.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    entries: dict[str, object] = {"__metadata__": header}
    start = 0
    for name in names:
        tensor = tensors[name]
        end = start + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
        start = end
    offsets = [start, start + CHECK_BYTES]
    entries[CHECK] = {"dtype": "U8", "shape": [CHECK_BYTES], "data_offsets": offsets}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    yield memoryview(len(text).to_bytes(8, "little") + text)
    for name in names:
        plain = tensors[name].detach().cpu().contiguous().flatten()
        yield memoryview(plain.view(torch.uint8).numpy())


def _is_whole(path: Path) -> bool:
    """Whether a file ends with the sha256 of all that comes before."""
    left = path.stat().st_size - CHECK_BYTES
    check = hashlib.sha256()
    with open(path, "rb") as file:
        while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
            check.update(chunk)
            left -= len(chunk)
        return file.read() == check.digest()


def flatten(model, optimizer, method) -> dict[str, torch.Tensor]:
    """Model, optimizer and method state under one set of names: the tensors in use, no copies.

    Parameters that are not trained are those of the parent, and are left out.
    """
    tensors = {f"model/{name}": value for name, value in _trained(model)}
    tensors |= {f"buffer/{name}": value for name, value in model.named_buffers()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": value for key, value in state.items()}
    return tensors | {f"method/{name}": value for name, value in method.state().items()}


def _trained(model) -> Iterator[tuple[str, torch.nn.Parameter]]:
    return ((name, value) for name, value in model.named_parameters() if value.requires_grad)


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
            for name, parameter in _trained(model):
                parameter.copy_(groups["model"][name])
            for name, buffer in model.named_buffers():
                buffer.copy_(groups["buffer"][name])
    except (KeyError, RuntimeError) as error:
        raise UserError(
            f"The saved state of this run does not fit the model ({error}); remove its folder "
            "under work/ in the results and run again, from the start."
        ) from None
    states: dict[int, dict] = {}
    for name, value in groups["optimizer"].items():
        index, _, key = name.partition("/")
        states.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
    method.load_state(groups["method"])
