"""Results of an end task, one file per seed, so that another seed trains only itself."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lethe.artefacts.files import digest, sha256_file
from lethe.artefacts.fingerprint import LIBRARIES, fingerprint
from lethe.artefacts.kept import keep, read_kept
from lethe.artefacts.manifests import inside
from lethe.endtasks.finetune import Settings
from lethe.endtasks.folds import fine_tune_folds, remove_work
from lethe.endtasks.labelled import read_folds
from lethe.jobs.ending import Ending
from lethe.parameters.folds import of_fold
from lethe.training.snapshots import Snapshots, remove_snapshots

SETTINGS = (
    "epochs",
    "learning_rate",
    "batch_size",
    "max_length",
    "weight_decay",
    "dtype",
    "reads",
)
SPLITS = ("train", "dev", "test")
CODE = ["lethe.endtasks.folds"]


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
    folds = _files(spec, data)
    tasks = read_folds(folds, spec["labels"])
    settings = {name: spec[name] for name in SETTINGS if name in spec}
    task_digest = digest(
        {
            "settings": settings,
            "labels": tasks[0].labels,
            "files": _digests(folds),
        }
    )
    key = _key(task_digest, manifest)
    results = []
    with Ending() as ending:
        snapshots_in = partial(_snapshots, seconds=snapshot_seconds, ending=ending)
        for seed in spec["seeds"]:
            file = store / f"{spec['end_task']}-seed{seed}-{key[:12]}.json"
            result = read_kept(file)
            if result is None:
                folder = work / f"seed-{seed}"
                result = fine_tune_folds(
                    checkpoint, tasks, Settings(**settings), seed, folder, key, snapshots_in
                )
                keep(file, result)
                remove_snapshots(folder)
                remove_work(folder, len(tasks))
            results.append(result)
            report(result)
    return task_digest, results


def _key(task_digest: str, manifest: dict[str, Any]) -> str:
    """Digest of all that a seed's result depends on: task, checkpoint and code."""
    method = manifest.get("spec", {}).get("method")
    code = [*CODE, f"lethe.methods.{method}"] if method else CODE
    files = {
        name: entry["sha256"]
        for name, entry in manifest["files"].items()
        if name.endswith((".safetensors", ".json"))
    }
    return digest({"task": task_digest, "files": files, "code": fingerprint(code, LIBRARIES)})


def _files(spec: dict[str, Any], data: Path) -> list[dict[str, Path]]:
    """The files of every fold, by split."""
    return [
        {split: inside(data, of_fold(spec[split], fold)) for split in SPLITS if spec[split]}
        for fold in range(1, spec.get("folds", 1) + 1)
    ]


def _digests(folds: Sequence[dict[str, Path]]) -> dict[str, str]:
    """Digests of the files by split; of several folds, by split and fold."""
    if len(folds) == 1:
        return {split: sha256_file(path) for split, path in folds[0].items()}
    return {
        f"{split} {fold}": sha256_file(path)
        for fold, files in enumerate(folds, start=1)
        for split, path in files.items()
    }


def _snapshots(folder: Path, identity: dict, seconds: float, ending: Ending) -> Snapshots:
    return Snapshots(folder, identity, seconds, ending)
