"""Whether disk and memory suffice for models and packages, as far as it is known before a job."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.paths import node_manifest
from lethe.config.catalogue import Catalogue
from lethe.config.packages import Package
from lethe.errors import UserError
from lethe.models.machine_memory import GB, machine_memory, require_memory
from lethe.models.parameter_bytes import FROZEN, TRAINING, WIDTH
from lethe.planning.data import add_package
from lethe.planning.nodes import Node, Plan
from lethe.planning.parametrisations import root_of
from lethe.planning.resources import (
    SMALLEST_ON_GPU,
    activation_bytes,
    held_by_method,
    tokens_at_once,
    trained_parameters,
    training_tokens,
)
from lethe.training.snapshot_pace import MOMENTS, WEIGHTS

COPIES = 2
"""An archive and what is kept of it lie on the disk together for a moment."""
BESIDE = 1.9e9
"""Bytes of libraries, and of what a small micro-batch leaves for the backward pass."""


def require_room(catalogue: Catalogue, plan: Plan) -> None:
    """Refuse a study whose packages, and the bases made of them, do not fit on the disk.

    Raises:
        UserError: the disk of `output` has less room than what is not there yet needs.
    """
    needed, names = 0.0, []
    for package in _packages(catalogue):
        node = add_package(Plan(), package)
        if node.id in plan.nodes and not _is_done(plan, node):
            needed += COPIES * (package.size or 0)
            names.append(package.name)
    for node in plan.of_kind("base"):
        if node.spec.get("source") == "package" and not _is_done(plan, node):
            needed += WIDTH["float32"] * plan.sizes.get(node.id, 0)
    folder = Path(plan.results).absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise UserError(
            f"{' and '.join(names) or 'the bases of packages'}: fetched and converted, this takes "
            f"{needed / GB:.2f} GB on the disk of {plan.results}, but only {free / GB:.2f} GB are "
            "free; free some space, or set `output` to a larger disk."
        )


def require_memory_to_train(plan: Plan) -> None:
    """Refuse a study that would train a large model on the CPU of a machine without the memory.

    Asked of models of packages alone, whose size is known and not declared.

    Raises:
        UserError: this machine has less than such a training takes.
    """
    node, needed = _largest(plan, of_packages=True)
    require_memory(needed, f"Training on the CPU ({node})")


def too_little_memory(plan: Plan) -> Iterator[str]:
    """A note if this machine could not train a large model of the study on its CPU."""
    node, needed = _largest(plan)
    there = machine_memory()
    if there is not None and there < needed:
        yield (
            f"training on a CPU ({node}) needs {needed / GB:.1f} GB of memory, but this machine "
            f"has {there / GB:.1f} GB; run the study on another, with a GPU or with more."
        )


def _largest(plan: Plan, of_packages: bool = False) -> tuple[str, float]:
    """The stage or base whose training takes the most memory, and its bytes; ("", 0) if none does.

    Small models fit everywhere and are left out.
    """
    taken = {
        node.id: bytes_to_train(plan.sizes[node.id], node.spec)
        for node in plan.nodes.values()
        if plan.sizes.get(node.id, 0) >= SMALLEST_ON_GPU
        and node.kind in ("base", "stage")
        and training_tokens(node.spec) != 0
        and not _is_done(plan, node)
        and (not of_packages or root_of(plan, node).spec.get("source") == "package")
    }
    return max(taken.items(), key=lambda entry: entry[1], default=("", 0.0))


def bytes_to_train(params: float, spec: dict[str, Any]) -> float:
    """Memory that training on a CPU takes, at most.

    Weights, gradients and moments, a snapshot of them, what the method holds, activations of what
    it reads besides a micro-batch, and the rest, which has room for those of a micro-batch.

    Args:
        spec: of the node that is trained; an empty one for plain training of all parameters.
    """
    trained = trained_parameters(spec, params)
    held = held_by_method(spec, params, trained)
    snapshot = WIDTH["float32"] * (WEIGHTS + MOMENTS) * trained
    training = FROZEN * params + (TRAINING - FROZEN) * trained
    beside = tokens_at_once(spec) - tokens_at_once({**spec, "method": None})
    activations = activation_bytes(params, beside)
    return BESIDE + training + snapshot + WIDTH["float32"] * held + activations


def _packages(catalogue: Catalogue) -> Iterable[Package]:
    """Every package that the catalogue names, once."""
    found = [entry.package for entry in catalogue.models.values() if entry.package is not None]
    found += [entry.package for entry in catalogue.sources.values() if entry.package is not None]
    return {add_package(Plan(), package).id: package for package in found}.values()


def _is_done(plan: Plan, node: Node) -> bool:
    return node_manifest(plan.results, node.kind, node.id).exists()
