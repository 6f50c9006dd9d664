"""Make one base model: train it, publish a fetched or imported one, or merge an adapter."""

import argparse
from pathlib import Path

from lethe.artefacts.files import sha256_file
from lethe.artefacts.manifests import inside
from lethe.artefacts.paths import node_directory
from lethe.commands.arguments import add_node_arguments, add_snapshot_argument, read_spec
from lethe.evaluation.harness import EvalTask, score_checkpoint
from lethe.evaluation.masked_loss import score_texts
from lethe.jobs.environment import one_thread
from lethe.training.base import train_base
from lethe.training.from_package import publish_packaged
from lethe.training.merged import publish_merged
from lethe.training.ready_made import publish_ready_made

PUBLISH = {"adapter": publish_merged, "package": publish_packaged}
"""How a base is published that was trained elsewhere, by its source."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)
    add_snapshot_argument(parser)


def run(arguments: argparse.Namespace) -> None:
    one_thread()
    spec = read_spec(arguments, "base")
    if "architecture" in spec:
        build(arguments, spec)
    else:
        publish_existing(arguments, spec)


def publish_existing(arguments: argparse.Namespace, spec: dict) -> None:
    """Publish a checkpoint that was fetched or is in a local folder, or an adapter on one."""
    publish = PUBLISH.get(spec["source"], publish_ready_made)
    manifest = publish(arguments.node, spec, arguments.results, arguments.code)
    print(f"{manifest['parameters']} parameters, {manifest['seconds']} s")


def build(arguments: argparse.Namespace, spec: dict) -> None:
    """Train from scratch and compare the dev scores with their floors."""
    data = node_directory(arguments.results, "data", spec["data"])
    include = str(data / "eval")

    def dev_scores(directory: Path, store: Path) -> dict[str, float]:
        by_harness = [task for task in spec["floor_tasks"] if "texts" not in task]
        tasks = [EvalTask(task["name"], include, split="dev") for task in by_harness]
        weights = sha256_file(directory / "model.safetensors")
        results = score_checkpoint(directory, weights, tasks, store)
        texts = [
            {
                "name": task["name"],
                "metric": task["metric"],
                "axis": "domain",
                "chance": None,
                "path": inside(data, task["texts"].format(split="dev")),
            }
            for task in spec["floor_tasks"]
            if "texts" in task
        ]
        results += score_texts(directory, weights, texts, store, "dev")
        metrics = {task["name"]: task["metric"] for task in spec["floor_tasks"]}
        return {
            result["task"]: row["value"]
            for result in results
            for row in result["scores"]
            if row["metric"] == metrics[result["task"]] and row["subset"] == ""
        }

    manifest = train_base(
        arguments.node,
        spec,
        arguments.results,
        arguments.code,
        arguments.snapshot_seconds,
        dev_scores,
    )
    for attempt in manifest["attempts"]:
        below = ", ".join(attempt["below_floor"]) or "none"
        print(f"base seed {attempt['seed']}: sets below their floor: {below}")
    print(f"{manifest['steps']} steps, {manifest['tokens']} tokens, {manifest['seconds']} s")
