"""Bases that were trained elsewhere: fetched from the hub, or imported from a local folder."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from lethe.artefacts.files import atomic_path
from lethe.artefacts.local_files import checkpoint_digest
from lethe.artefacts.manifests import verify
from lethe.artefacts.nodes import make_node
from lethe.artefacts.paths import MANIFEST, fetched_files, node_directory
from lethe.data.chat import require_chat
from lethe.errors import UserError
from lethe.models.as_loaded import kept_apart
from lethe.models.loading import check_checkpoint, check_family, load_model
from lethe.models.tokenizer import check_tokenizer, load_tokenizer
from lethe.models.weights import INDEX, weight_files
from lethe.training.provenance import provenance

# Files beside weights, configuration and tokenizer.json that affect tokenizing and generation.
COMPANIONS = (
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
)


Find = Callable[[dict, Path], tuple[Path, dict]]
"""From a spec and the results to the folder of a checkpoint, and the record of its origin."""


def find_source(spec: dict, results: Path) -> tuple[Path, dict]:
    """The folder that holds a checkpoint, and the record of its origin.

    Raises:
        UserError: it is missing, or has changed since it was fetched or planned.
    """
    if spec["source"] == "hub":
        fetched = verify(node_directory(results, "fetched", spec["fetched"]), MANIFEST["fetched"])
        origin = {key: fetched[key] for key in ("revision", "resolution", "endpoint")}
        return fetched_files(results, spec["fetched"]), {"repo": fetched["spec"]["repo"], **origin}
    if checkpoint_digest(spec["path"], "import") != spec["sha256"]:
        raise UserError(
            f"import: the files of {spec['path']} have changed since the study was planned; run "
            "again to plan it again."
        )
    return Path(spec["path"]), {"path": os.path.abspath(spec["path"])}


def publish_ready_made(
    node: str, spec: dict, results: Path, code: str, find: Find = find_source
) -> dict:
    """Check a checkpoint and publish it as the base `node`; return its manifest.

    The weights are linked if the file system allows it, else copied; they are read to hash them
    and to see that they are whole. `warnings` of the manifest holds a sentence for everything in
    which the configuration contradicts them.

    Raises:
        UserError: the checkpoint is of another family, incomplete, or has no fast tokenizer.
    """

    def make(directory: Path) -> tuple[dict, list[str]]:
        started = time.monotonic()
        source, origin = find(spec, results)
        parameters, warnings = check_ready_made(source, spec["family"])
        if "chat" in spec:
            require_chat(load_tokenizer(source), spec["chat"], str(source))
        files = bring(source, directory)
        facts = {
            "origin": origin,
            "seed": None,
            "parameters": parameters,
            "warnings": warnings,
            "seconds": round(time.monotonic() - started, 3),
            "provenance": provenance(code),
        }
        return facts, files

    return make_node(results, node, spec, code, make)


def check_ready_made(directory: Path, family: str) -> tuple[int, list[str]]:
    """Check a checkpoint by loading it.

    Returns:
        The number of its parameters, tied ones counted once; and a sentence for everything in
        which its configuration contradicts its weights.

    Raises:
        UserError: see `publish_ready_made`.
    """
    check_checkpoint(directory)
    check_family(directory, family)
    model = load_model(directory)
    check_tokenizer(directory, model.get_input_embeddings().weight.shape[0])
    return sum(parameter.numel() for parameter in model.parameters()), kept_apart(model)


def bring(source: Path, directory: Path) -> list[str]:
    """Link the weights of a checkpoint and copy the rest; return the names."""
    weights = weight_files(source)
    names = ["config.json", "tokenizer.json", *weights]
    names += [INDEX] if (source / INDEX).is_file() and len(weights) > 1 else []
    names += [name for name in COMPANIONS if (source / name).is_file()]
    directory.mkdir(parents=True, exist_ok=True)
    for name in sorted(names):
        # Small files are copied: a user may edit them in place, which a link would carry over.
        if name not in weights or not link(source / name, directory / name):
            with atomic_path(directory / name) as temporary:
                shutil.copyfile(source / name, temporary)
    return sorted(names)


def link(source: Path, target: Path) -> bool:
    """Make `target` a hard link to a file; False if the file system does not allow it."""
    try:
        target.unlink(missing_ok=True)
        os.link(source.resolve(), target)
    except OSError:
        return False
    return True
