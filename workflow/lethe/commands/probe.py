"""Score one checkpoint on the evaluation tasks of a probe, or import scores made elsewhere."""

import argparse
import time
from pathlib import Path

from lethe.artefacts.manifests import verify
from lethe.artefacts.nodes import make_node, write_results
from lethe.artefacts.paths import (
    MANIFEST,
    node_directory,
    score_store,
    work_directory,
)
from lethe.commands.arguments import add_node_arguments, read_spec
from lethe.evaluation.harness import score_checkpoint
from lethe.evaluation.masked_loss import score_texts
from lethe.evaluation.probe_tasks import eval_task, text_set
from lethe.imported.scores import imported_results
from lethe.jobs.environment import one_thread
from lethe.jobs.live import LiveRecord
from lethe.longtables.headlines import require_headline
from lethe.models.weights import weights_digest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    one_thread()
    spec = read_spec(arguments, "probe")
    if "imported" in spec:
        publish_imported(arguments, spec)
    else:
        score(arguments, spec)


def publish_imported(arguments: argparse.Namespace, spec: dict) -> None:
    """Publish the scores of result files; what they lack is reported once and stays missing."""

    def make(directory: Path) -> tuple[dict, list[str]]:
        results, parameters, missing = imported_results(spec)
        if missing:
            print(f"not in the result files, and missing in tables: {', '.join(missing)}")
        for result in results:
            print(f"{result['task']:<20} {result['n']:>5} items")
        return {"parameters": parameters}, write_results(directory, results)

    make_node(arguments.results, arguments.node, spec, arguments.code, make)


def score(arguments: argparse.Namespace, spec: dict) -> None:
    """Load a checkpoint once and score it on every task; scores are saved task by task."""
    results = arguments.results

    # Other probes of the checkpoint may run at the same time; the store's writes are atomic.
    def make(directory: Path) -> tuple[dict, list[str]]:
        checkpoint = node_directory(results, spec["checkpoint_kind"], spec["checkpoint"])
        manifest = verify(checkpoint, MANIFEST[spec["checkpoint_kind"]])
        for kind, node in sorted({(t["data_kind"], t["data"]) for t in spec["tasks"] if t["data"]}):
            verify(node_directory(results, kind, node), MANIFEST[kind])
        weights = weights_digest(manifest)
        started = time.process_time()
        store = score_store(results, spec["checkpoint"])
        task_results = score_checkpoint(
            checkpoint,
            weights,
            [eval_task(task, results, spec) for task in spec["tasks"] if not task.get("texts")],
            store,
            engine=spec["engine"],
            dtype=spec["dtype"],
            tell=LiveRecord(work_directory(results, arguments.node), "evaluation task").note,
            chat=spec.get("chat"),
        )
        texts = [
            text_set(task, results, spec).asked() for task in spec["tasks"] if task.get("texts")
        ]
        task_results += score_texts(
            checkpoint, weights, texts, store, spec["split"], spec["limit"], spec["dtype"]
        )
        scoring_seconds = time.process_time() - started
        tasks = {task["name"]: task for task in spec["tasks"]}
        for result in task_results:
            print(f"{result['task']:<20} {result['n']:>5} items  {result['seconds']:.2f} s")
            require_headline(tasks[result["task"]], result)
        facts = {
            "weights": weights,
            "parameters": manifest["parameters"],
            "cpu_seconds": {"job": time.process_time(), "scoring": scoring_seconds},
        }
        return facts, write_results(directory, task_results)

    make_node(results, arguments.node, spec, arguments.code, make)
