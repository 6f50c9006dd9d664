"""One function that loads any checkpoint: a whole network, or one composed of its parts.

The folder of a stage with LoRA or adapters holds these alone. What they are on is the folder of the
stage's parent, or, where stages go on with the same adapter, that of the first stage's parent;
both are named in the stages' records.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_object
from lethe.artefacts.manifests import verify
from lethe.artefacts.paths import MANIFEST, node_directory
from lethe.errors import UserError
from lethe.models.adapters import in_dtype, merge_adapter
from lethe.models.loading import load_model
from lethe.models.weights import CARRIER, weights_digest
from lethe.parametrisations import bottleneck
from lethe.parametrisations.constants import PARTS


def parametrisation_in(directory: Path) -> dict[str, Any] | None:
    """The parametrisation of the stage in a folder; None if it is whole, or no stage made it."""
    manifest = directory / MANIFEST["stage"]
    if not manifest.is_file():
        return None
    spec = read_object(manifest).get("spec")
    settings = spec.get("parametrisation") if isinstance(spec, dict) else None
    return settings if settings and settings.get("kind") in PARTS else None


def is_part(directory: Path) -> bool:
    """Whether a folder holds a part of a network, made by a stage."""
    return parametrisation_in(directory) is not None


def adapters_before(directory: Path, settings: dict[str, Any]) -> list[Path]:
    """Folders of the stages up to this one that were trained with these settings, oldest first."""
    found: list[Path] = []
    while parametrisation_in(directory) == settings:
        found.insert(0, directory)
        directory = parent_of(directory)
    return found


def parent_of(directory: Path) -> Path:
    """The folder of a stage's parent, in the same results.

    Raises:
        UserError: it is not there.
    """
    spec = read_object(directory / MANIFEST["stage"])["spec"]
    results = directory.resolve().parent.parent
    parent = node_directory(results, spec["parent_kind"], spec["parent"])
    if not parent.is_dir():
        raise UserError(
            f"{directory}: holds an adapter alone, and expected what it is on in {parent}, found "
            "none; copy that folder there too, or score the one in the results."
        )
    return parent


def carrier_of(directory: Path) -> Path:
    """The folder of the network that the adapter of a stage is on; it may be composed itself."""
    settings = parametrisation_in(directory)
    assert settings is not None
    return carrier_for(parent_of(directory), settings)


def carrier_for(parent: Path, settings: dict[str, Any]) -> Path:
    """The same for a stage that is to be made on a parent."""
    if settings.get("chain", "same") == "same":
        if before := adapters_before(parent, settings):
            return parent_of(before[0])
    return parent


def path_between(directory: Path, carrier: Path) -> str:
    """The carrier's path from a folder: valid wherever the results are."""
    return os.path.relpath(carrier.resolve(), directory.resolve())


def load_checkpoint(directory: Path, dtype: str = "float32") -> Any:
    """The network in any checkpoint folder, in the given torch dtype.

    LoRA is merged into it, in float32 whatever the dtype of the result; bottlenecks are attached.

    Raises:
        UserError: as `load_model` and `merge_adapter`, or a part of it is missing or altered.
    """
    settings = parametrisation_in(directory)
    if settings is None:
        return load_model(directory, dtype)
    model = load_carrier(directory)
    if settings["kind"] == "lora":
        model = merge_adapter(model, directory)
    else:
        bottleneck.load_into(bottleneck.put_on(model, settings, 0), directory)
    model.requires_grad_(True)
    return in_dtype(model, dtype)


def load_carrier(directory: Path) -> Any:
    """The network that the adapter of a stage is on, in float32.

    Raises:
        UserError: its weights are not those on which the adapter was trained, or as
            `load_checkpoint`.
    """
    carrier = carrier_of(directory)
    require_trained_on(directory, carrier)
    return load_checkpoint(carrier)


def require_trained_on(directory: Path, carrier: Path) -> None:
    """Refuse weights below an adapter that are whole, but not those that it was trained on."""
    expected = read_object(directory / MANIFEST["stage"]).get(CARRIER)
    found = weights_digest(verified(carrier))
    if expected != found:
        raise UserError(
            f"{directory}: its adapter was trained on the weights {str(expected)[:12]}, found "
            f"{found[:12]} in {carrier}; copy that folder back as it was, or delete "
            f"{directory / MANIFEST['stage']} and run the study again."
        )


def verified(carrier: Path) -> dict[str, Any]:
    """The manifest of a folder that an adapter is on, whose files are as they were written.

    Raises:
        Altered: they are not.
    """
    marks = tuple((path.name, path.stat().st_ctime_ns) for path in sorted(carrier.iterdir()))
    return _verified(carrier, marks)


@lru_cache(maxsize=8)
def _verified(carrier: Path, marks: tuple) -> dict[str, Any]:
    # Read once a process, as long as no file has changed: a base may have many gigabytes.
    kind = "stage" if (carrier / MANIFEST["stage"]).is_file() else "base"
    return verify(carrier, MANIFEST[kind])
