"""What a user gives to be scored: a folder, a name of the hub, an adapter; what belongs to it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.artefacts.files import digest, read_object, sha256_file
from lethe.artefacts.manifests import Altered, verify
from lethe.artefacts.paths import MANIFEST
from lethe.errors import UserError
from lethe.models.adapter_folder import is_adapter, local_base, named_base, require_matrices_fit
from lethe.models.loading import check_checkpoint, made_here
from lethe.models.weights import CARRIER, stored_dtype, weights_digest
from lethe.parametrisations.composed import is_part
from lethe.sources.hub.copies import NAME, HubCopies


@dataclass(frozen=True)
class Target:
    """Something that can be scored.

    Attributes:
        directory: folder of the whole model.
        adapter: folder of an adapter on it; None: the model as it is.
        weights: digest of the model's weights.
        dtype: in which most of the model's numbers are stored.
    """

    directory: Path
    adapter: Path | None
    weights: str
    dtype: str


def find_target(model: Path | str, hub: HubCopies, base: Path | str | None = None) -> Target:
    """The model, or the adapter and its base, that a folder or a name of the hub stands for.

    Args:
        base: the model of an adapter, if not the one that its configuration names.

    Raises:
        UserError: it is not here, not whole, or altered; or a base for what is no adapter, or for
            one of a chain's adapters that is on the earlier ones.
    """
    folder, adapter = _place(model, hub), None
    if base is None and is_part(folder):
        return _of_stage(folder)
    if is_adapter(folder):
        adapter = folder
        folder = _base_of(adapter, hub, base)
        require_matrices_fit(adapter, folder)
        if is_part(adapter):
            _require_alone(adapter, folder)
    elif base is not None:
        raise UserError(f"--base is for an adapter, and {folder} is none; leave --base out.")
    check_checkpoint(folder)
    if manifest := made_here(folder):
        _require_unaltered(folder, manifest)
    return Target(folder, adapter, weights_sha256(folder), stored_dtype(folder))


def _of_stage(folder: Path) -> Target:
    """A stage's adapter with what it is on, as the stages' records name it."""
    manifest = _require_unaltered(folder, MANIFEST["stage"])
    return Target(folder, None, weights_digest(manifest), "float32")


def _require_alone(adapter: Path, base: Path) -> None:
    """Refuse another base for a stage's adapter that is one of several on the chain's base.

    On anything but what it was trained on, its scores are of no checkpoint of the chain.

    Raises:
        UserError: the adapter is on other weights than the chain's base, and so is not on `base`.
    """
    manifest = read_object(adapter / MANIFEST["stage"])
    carrier, chain_base = manifest.get(CARRIER), manifest.get("base_weights")
    if carrier != chain_base and carrier != weights_sha256(base):
        raise UserError(
            f"--base: the adapter in {adapter} was trained on a network that holds those of the "
            f"stages before it, and on {base} it would be scored without them; leave --base out: "
            "what it is on is found in the results that it lies in."
        )


def weights_sha256(directory: Path) -> str:
    """Hex sha256 of the weights file; of several shards, a digest over all of them."""
    hashes = {path.name: sha256_file(path) for path in directory.glob("*.safetensors")}
    return hashes[next(iter(hashes))] if len(hashes) == 1 else digest(hashes)


def _place(model: Path | str, hub: HubCopies) -> Path:
    """The folder of a model; a folder on the disk goes before a name of the hub."""
    if isinstance(model, Path) or os.path.isdir(model):  # which takes any text
        return Path(model)
    if not NAME.fullmatch(model.partition("@")[0]) or model.startswith("."):
        raise UserError(f"Expected a checkpoint directory at {model}, found none.")
    return hub.model(model)


def _base_of(adapter: Path, hub: HubCopies, base: Path | str | None) -> Path:
    name, revision = (str(base), None) if base is not None else named_base(adapter)
    try:
        folder = local_base(adapter, name)
        folder = folder or _place(f"{name}@{revision}" if revision else name, hub)
    except UserError as error:
        if base is not None:
            raise
        raise UserError(
            f"{adapter}: its base {name} is not here ({str(error).removesuffix('.')}); or name "
            "the base with --base."
        ) from None
    if is_adapter(folder):
        raise UserError(
            f"{adapter}: expected a whole model as its base, found another adapter in {folder}; "
            "merge that one first, and name the result with --base."
        )
    return folder


def _require_unaltered(directory: Path, manifest: str) -> dict[str, Any]:
    try:
        return verify(directory, manifest, any_folder=True)
    except Altered as error:
        raise UserError(f"{error.reason}; copy the checkpoint here again.") from None
