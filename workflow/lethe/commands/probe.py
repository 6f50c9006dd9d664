"""Score one checkpoint on the evaluation tasks of a probe, or take up scores made elsewhere."""

import argparse
import os
import time
from pathlib import Path

from lethe.artefacts.files import lock, publish, verify
from lethe.artefacts.paths import (
    MANIFEST,
    fetched_files,
    node_directory,
    score_store,
    work_directory,
)
from lethe.commands.arguments import add_node_arguments, read_spec
from lethe.evaluation.harness import EvalTask, score_checkpoint
from lethe.evaluation.masked_loss import score_texts
from lethe.imported.scores import imported_results
from lethe.jobs.environment import one_thread
from lethe.models.weights import weights_digest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_node_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    one_thread()
    spec = read_spec(arguments, "probe")
    if "imported" in spec:
        take_up(arguments, spec)
    else:
        score(arguments, spec)


def take_up(arguments: argparse.Namespace, spec: dict) -> None:
    """Publish the scores of result files; what they lack is told once and stays missing."""
    found, parameters, lacking = imported_results(spec)
    record = {"id": arguments.node, "spec": spec, "code": arguments.code}
    record |= {"parameters": parameters, "results": found}
    directory = node_directory(arguments.results, "probe", arguments.node)
    os.makedirs(directory, exist_ok=True)
    publish(directory, MANIFEST["probe"], record, [])
    if lacking:
        print(f"not in the result files, and missing in tables: {', '.join(lacking)}")
    for result in found:
        print(f"{result['task']:<20} {result['n']:>5} items")


def score(arguments: argparse.Namespace, spec: dict) -> None:
    """Load a checkpoint once and score it on every task; kept task by task."""
    results = arguments.results
    # Other probes of the checkpoint may run beside this one: the store's files are written whole.
    with lock(work_directory(results, arguments.node) / "lock"):
        checkpoint = node_directory(results, spec["checkpoint_kind"], spec["checkpoint"])
        manifest = verify(checkpoint, MANIFEST[spec["checkpoint_kind"]])
        for kind, node in sorted({(t["data_kind"], t["data"]) for t in spec["tasks"] if t["data"]}):
            verify(node_directory(results, kind, node), MANIFEST[kind])
        weights = weights_digest(manifest)
        begun = time.process_time()
        store = score_store(results, spec["checkpoint"])
        found = score_checkpoint(
            checkpoint,
            weights,
            [eval_task(task, results, spec) for task in spec["tasks"] if not task.get("texts")],
            store,
            engine=spec["engine"],
            dtype=spec["dtype"],
        )
        texts = [text_task(task, results, spec) for task in spec["tasks"] if task.get("texts")]
        found += score_texts(
            checkpoint, weights, texts, store, spec["split"], spec["limit"], spec["dtype"]
        )
        scored = time.process_time() - begun
        directory = node_directory(results, "probe", arguments.node)
        record = {
            "id": arguments.node,
            "spec": spec,
            "code": arguments.code,
            "weights": weights,
            "parameters": manifest["parameters"],
            "results": found,
            "cpu_seconds": {"job": time.process_time(), "scoring": scored},
        }
        os.makedirs(directory, exist_ok=True)
        publish(directory, MANIFEST["probe"], record, [])
    for result in found:
        print(f"{result['task']:<20} {result['n']:>5} items  {result['seconds']:.2f} s")


def text_task(task: dict, results: Path, spec: dict) -> dict:
    """One file of texts of a probe's spec, for the masked-LM loss."""
    folder = node_directory(results, task["data_kind"], task["data"])
    path = folder / task["texts"].format(split=spec["split"])
    return {"name": task["name"], "axis": task["axis"], "chance": task["chance"], "path": path}


def eval_task(task: dict, results: Path, spec: dict) -> EvalTask:
    """One evaluation task of a probe's spec."""
    include, dataset = spec["include"], None
    if task["data_kind"] == "data":
        include = str(node_directory(results, "data", task["data"]) / "eval")
    if task["data_kind"] == "fetched":
        dataset = str(fetched_files(results, task["data"]))
    return EvalTask(
        name=task["name"],
        include_path=include,
        dataset_path=dataset,
        split=spec["split"],
        shots=task["shots"],
        limit=spec["limit"],
        axis=task["axis"],
        chance=task["chance"],
        cluster=task["cluster"],
        subset=task["subset"],
    )
