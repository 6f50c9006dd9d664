"""Results of an end task, one file per seed, so that another seed trains only itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lethe.artefacts.files import digest, sha256_file
from lethe.artefacts.fingerprint import LIBRARIES, fingerprint
from lethe.artefacts.kept import keep, read_kept
from lethe.artefacts.manifests import inside
from lethe.endtasks.finetune import Settings, fine_tune
from lethe.endtasks.labelled import read_task
from lethe.jobs.ending import Ending
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
    report: Callable[[dict], None] = lambda result: None,
) -> tuple[str, list[dict]]:
    """(digest of the task, one result per seed); results already in `store` are not trained again.

    Args:
        checkpoint: a folder in hub format.
        manifest: the checkpoint's manifest; it names the weights, and the method and its state.
        spec: the spec of the end-task node.
        data: folder that holds the spec's files.
        store: folder of results, one file `{end task}-seed{seed}-{key}.json`.
        work: folder of interrupted work, with one subfolder per seed.
        snapshot_seconds: seconds between snapshots of a seed in training.
        report: called with every result that is ready.

    Raises:
        UserError: wrong files or labels, or a checkpoint of another family.
        Stopped: the job was asked to end, and has saved its state.
    """
    files = {split: inside(data, spec[split]) for split in SPLITS if spec[split]}
    task = read_task(files, spec["labels"])
    settings = {name: spec[name] for name in SETTINGS if name in spec}
    task_digest = digest(
        {
            "settings": settings,
            "labels": task.labels,
            "files": {split: sha256_file(path) for split, path in files.items()},
        }
    )
    method = manifest.get("spec", {}).get("method")
    code = [*CODE, f"lethe.methods.{method}"] if method else CODE
    checkpoint_files = {
        name: entry["sha256"]
        for name, entry in manifest["files"].items()
        if name.endswith((".safetensors", ".json"))
    }
    key = digest(
        {"task": task_digest, "files": checkpoint_files, "code": fingerprint(code, LIBRARIES)}
    )
    results = []
    with Ending() as ending:
        for seed in spec["seeds"]:
            file = store / f"{spec['end_task']}-seed{seed}-{key[:12]}.json"
            result = read_kept(file)
            if result is None:
                identity = {"key": key, "seed": seed}
                folder = work / f"seed-{seed}"
                snapshots = Snapshots(folder, identity, snapshot_seconds, ending)
                result = fine_tune(checkpoint, task, Settings(**settings), seed, snapshots)
                keep(file, result)
                snapshots.remove()
            results.append(result)
            report(result)
    return task_digest, results
