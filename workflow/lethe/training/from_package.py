"""Bases that a package carries: a GGUF file, which is converted, or a folder in hub format."""

import shutil
from pathlib import Path
from typing import Any

from lethe.artefacts.manifests import verify
from lethe.artefacts.paths import MANIFEST, fetched_files, node_directory, work_directory
from lethe.errors import UserError
from lethe.models.gguf_file import convert_gguf
from lethe.training.ready_made import publish_ready_made

GGUF = ".gguf"
TOLD = ("index", "name", "version", "archive", "sha256")
"""What the record of a base repeats of the package that carries it."""


def publish_packaged(node: str, spec: dict, results: Path, code: str) -> dict:
    """Convert and check the model of a fetched package, and publish it; return the manifest.

    Raises:
        UserError: see `convert_gguf` and `publish_ready_made`.
    """
    converted = work_directory(results, node) / "converted"

    def find(spec: dict, results: Path) -> tuple[Path, dict]:
        return find_packaged(spec, results, converted)

    manifest = publish_ready_made(node, spec, results, code, find)
    shutil.rmtree(converted, ignore_errors=True)
    return manifest


def find_packaged(spec: dict, results: Path, converted: Path) -> tuple[Path, dict[str, Any]]:
    """The folder that holds a package's model, and the record of its origin.

    converted: the folder that a GGUF file is converted into.

    Raises:
        UserError: the fetched files are missing or altered; see also `convert_gguf`.
    """
    fetched = verify(node_directory(results, "fetched", spec["fetched"]), MANIFEST["fetched"])
    package = fetched["spec"]["package"]
    (member,) = package["members"]
    place = fetched_files(results, spec["fetched"]) / member
    origin = {key: package[key] for key in TOLD}
    origin |= {"package": origin.pop("name"), "member": member, "licence": fetched["licence"]}
    if place.suffix == GGUF:
        shutil.rmtree(converted, ignore_errors=True)
        made = convert_gguf(place, converted)
        return converted, {**origin, "converted": {key: made[key] for key in ("tensors", "sha256")}}
    if not place.is_dir():
        raise UserError(
            f"{member} in {package['name']}: expected a GGUF file or a folder in hub format as the "
            "member of a model's package; correct `members`."
        )
    return place, origin
