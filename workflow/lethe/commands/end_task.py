"""Fine-tune copies of a checkpoint on an end task, one per seed; score them, keep the scores."""

import argparse
import time
from pathlib import Path

from lethe.artefacts.manifests import verify
from lethe.artefacts.nodes import make_node, write_results
from lethe.artefacts.paths import (
    MANIFEST,
    end_task_store,
    fetched_files,
    node_directory,
    work_directory,
)
from lethe.commands.arguments import add_node_arguments, add_snapshot_argument, read_spec
from lethe.endtasks.results import end_task_results
from lethe.jobs.environment import one_thread
from lethe.models.weights import weights_digest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    add_snapshot_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    """Publish the scores of all seeds; finished seeds are taken from the store."""
    one_thread()
    spec, results = read_spec(arguments, "end_task"), arguments.results
    work = work_directory(results, arguments.node)

    def make(directory: Path) -> tuple[dict, list[str]]:
        checkpoint = node_directory(results, spec["checkpoint_kind"], spec["checkpoint"])
        manifest = verify(checkpoint, MANIFEST[spec["checkpoint_kind"]])
        data = node_directory(results, spec["data_kind"], spec["data"])
        verify(data, MANIFEST[spec["data_kind"]])
        if spec["data_kind"] == "fetched":
            data = fetched_files(results, spec["data"])
        started = time.process_time()
        store = end_task_store(results, spec["checkpoint"])
        task_digest, seed_results = end_task_results(
            checkpoint, manifest, spec, data, store, work, arguments.snapshot_seconds, report
        )
        facts = {
            "weights": weights_digest(manifest),
            "parameters": manifest["parameters"],
            "task_digest": task_digest,
            "cpu_seconds": time.process_time() - started,
        }
        return facts, write_results(directory, seed_results)

    make_node(results, arguments.node, spec, arguments.code, make)


def report(result: dict) -> None:
    scores = ", ".join(f"{name} {value:.4f}" for name, value in result["scores"]["test"].items())
    print(f"seed {result['seed']}: {scores}, {result['counts']['test']} items", flush=True)
