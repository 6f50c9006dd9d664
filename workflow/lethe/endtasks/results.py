"""Results of an end task, one file a seed, so that a further seed trains only itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lethe.artefacts.files import digest, read_json, sha256_file, write_json
from lethe.artefacts.fingerprint import LIBRARIES, fingerprint
from lethe.endtasks.finetune import Settings, fine_tune
from lethe.endtasks.labelled import read_task
from lethe.training.snapshots import Snapshots

SETTINGS = ("epochs", "learning_rate", "batch_size", "max_length", "weight_decay", "dtype")
SPLITS = ("train", "dev", "test")
CODE = ["lethe.endtasks.finetune"]


def end_task_results(
    checkpoint: Path,
    manifest: dict[str, Any],
    spec: dict[str, Any],
    data: Path,
    store: Path,
    work: Path,
    snapshot_seconds: float,
    tell: Callable[[dict], None] = lambda result: None,
) -> tuple[str, list[dict]]:
    """(digest of the task, one result a seed); what `store` holds already is not trained again.

    Args:
        checkpoint: a folder in hub format.
        manifest: of the checkpoint; it names the weights, and the method and its state.
        spec: of the end-task node.
        data: folder that holds the spec's files.
        store: folder of results, one file `{end task}-seed{seed}-{key}.json`.
        work: folder of interrupted work; every seed has one of its own in it.
        snapshot_seconds: between snapshots of a seed under way.
        tell: called with every result that is ready.

    Raises:
        UserError: files or labels that are wrong, a checkpoint that is no encoder.
    """
    files = {split: data / spec[split] for split in SPLITS if spec[split]}
    task = read_task(files, spec["labels"])
    settings = {name: spec[name] for name in SETTINGS if name in spec}
    defined = digest(
        {
            "settings": settings,
            "labels": task.labels,
            "files": {split: sha256_file(path) for split, path in files.items()},
        }
    )
    method = manifest.get("spec", {}).get("method")
    code = [*CODE, f"lethe.methods.{method}"] if method else CODE
    made_of = {
        name: entry["sha256"]
        for name, entry in manifest["files"].items()
        if name.endswith((".safetensors", ".json"))
    }
    key = digest({"task": defined, "files": made_of, "code": fingerprint(code, LIBRARIES)})
    found = []
    for seed in spec["seeds"]:
        file = store / f"{spec['end_task']}-seed{seed}-{key[:12]}.json"
        if not file.exists():
            trained = {"key": key, "seed": seed}
            snapshots = Snapshots(work / f"seed-{seed}", trained, snapshot_seconds)
            made = fine_tune(checkpoint, task, Settings(**settings), seed, snapshots)
            write_json(file, made, None)
            snapshots.remove()
        found.append(read_json(file))
        tell(found[-1])
    return defined, found
