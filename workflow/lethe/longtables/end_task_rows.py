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
        UserError: one is missing, is not JSON, or lacks what such a result has.
    """
    found = {}
    for node in sorted({n for nodes in record.get("end_tasks", {}).values() for n in nodes}):
        path = node_manifest(results, "end_task", node)
        value = read_json(path)
        if not isinstance(value, dict) or not NEEDED <= value.keys() or value["id"] != node:
            raise UserError(f"{path}: not the end-task result of {node}; remove it and run again.")
        found[node] = value
    return found


def end_task_rows(words: dict, made: dict[str, Any], domains: dict[str, str]) -> list[dict]:
    """One row a seed, split and metric; `words` are those of the run and the stage.

    domains: the domain's task by end task; it stands in the column `subset`.
    """
    spec = made["spec"]
    shared = {
        **words,
        "params": made["parameters"],
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
        "task_digest": made["task_digest"],
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
        for result in made["results"]
        for split, scores in sorted(result["scores"].items())
        for metric, value in sorted(scores.items())
    ]
