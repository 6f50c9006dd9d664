"""A stage of a chain made elsewhere that is a PEFT adapter: merged, and published as a checkpoint.

It is merged in float32 and kept so, whatever the precision of its base: a small change would be
lost in bfloat16, and the scores are those of the adapter on its base.
"""

import os
import time
from pathlib import Path

from lethe.artefacts.files import sha256_file
from lethe.artefacts.local_files import checkpoint_digest
from lethe.artefacts.manifests import verify
from lethe.artefacts.nodes import make_node
from lethe.artefacts.paths import MANIFEST, node_directory
from lethe.errors import UserError
from lethe.models.adapter_folder import WEIGHTS, read_adapter, tokenizer_folder, unknown_base
from lethe.models.adapters import merge_adapter
from lethe.models.as_loaded import kept_apart, require_finite
from lethe.models.loading import load_model
from lethe.models.saving import keep_generation_rules, save_model
from lethe.models.tokenizer import check_tokenizer, load_tokenizer
from lethe.training.provenance import provenance


def publish_merged(node: str, spec: dict, results: Path, code: str) -> dict:
    """Merge an adapter onto the checkpoint that its spec names; return the manifest.

    `origin` of the manifest says which adapter, of which kind, with which base by its own
    configuration; `warnings` has a sentence if nothing here shows that the base is that one.

    Raises:
        UserError: the adapter has changed since it was planned, does not fit, or is not finite; or
            the tokenizer does not fit the weights.
    """

    def make(directory: Path) -> tuple[dict, list[str]]:
        started = time.monotonic()
        adapter = Path(spec["path"])
        if checkpoint_digest(spec["path"], "import") != spec["sha256"]:
            raise UserError(
                f"import: the files of {adapter} have changed since the study was planned; run "
                "again to plan it again."
            )
        below = node_directory(results, spec["parent_kind"], spec["parent"])
        manifest = verify(below, MANIFEST[spec["parent_kind"]])
        model = merge_adapter(load_model(below), adapter)
        require_finite(model, adapter)
        reads = tokenizer_folder(below, adapter)
        check_tokenizer(reads, model.get_input_embeddings().weight.shape[0])
        files = save_model(model, load_tokenizer(reads), directory)
        files += keep_generation_rules(below, directory)
        facts = {
            "origin": origin(adapter),
            "seed": None,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "warnings": kept_apart(model) + _doubts(adapter, manifest),
            "seconds": round(time.monotonic() - started, 3),
            "provenance": provenance(code),
        }
        return facts, sorted(set(files))

    return make_node(results, node, spec, code, make)


def origin(adapter: Path) -> dict:
    """Which adapter it is: where it lies, its kind, what it names as its base, its weights."""
    config = read_adapter(adapter)
    return {
        "path": os.path.abspath(adapter),
        "adapter": config["peft_type"],
        "base_model_name_or_path": config.get("base_model_name_or_path"),
        "weights_sha256": sha256_file(adapter / WEIGHTS),
    }


def _doubts(adapter: Path, below: dict) -> list[str]:
    """A sentence if it is merged onto a whole model that may be another than it was trained on."""
    if below["spec"].get("source") != "import":
        return []
    doubt = unknown_base(adapter, Path(below["origin"]["path"]))
    return [f"{adapter}: {doubt}"] if doubt else []
