"""Rows of the scores table from the results of end tasks. Imports nothing heavy."""

from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json
from lethe.artefacts.paths import node_manifest
from lethe.errors import UserError

NEEDED = {"id", "spec", "parameters", "task_digest", "results"}


def read_end_tasks(record: dict[str, Any], results: Path) -> dict[str, dict[str, Any]]:
    """The results of every end-task node of a study's record, by node.

    Raises:
        UserError: a result is missing, is not JSON, or lacks a key of an end-task result.
    """
    results_by_node = {}
    for node in sorted({n for nodes in record.get("end_tasks", {}).values() for n in nodes}):
        path = node_manifest(results, "end_task", node)
        value = read_json(path)
        if not isinstance(value, dict) or not NEEDED <= value.keys() or value["id"] != node:
            raise UserError(f"{path}: not the end-task result of {node}; remove it and run again.")
        results_by_node[node] = value
    return results_by_node


def end_task_rows(words: dict, manifest: dict[str, Any], domains: dict[str, str]) -> list[dict]:
    """One row per seed, split and metric; `words` describe the run and the stage.

    domains: each end task's domain, named by its task; it fills the column `subset`.
    """
    spec = manifest["spec"]
    shared = {
        **words,
        "params": manifest["parameters"],
        "kind": "end_task",
        "axis": "end_task",
        "probe": spec["end_task"],
        "subset": domains[spec["end_task"]],
        "shots": 0,
        "stderr": None,
        "chance": None,
        "higher_is_better": True,
        "engine": "fine-tuning",
        "dtype": spec.get("dtype", "float32"),
        "task_version": "1",
        "task_digest": manifest["task_digest"],
        "lm_eval_version": "",
    }
    return [
        {
            **shared,
            "end_task_seed": result["seed"],
            "split": split,
            "metric": metric,
            "headline": metric == spec["metric"],
            "value": value,
            "n": result["counts"][split],
        }
        for result in manifest["results"]
        for split, scores in sorted(result["scores"].items())
        for metric, value in sorted(scores.items())
    ]
