"""Rows of the scores table from the results of end tasks. Imports nothing heavy but numpy."""

from pathlib import Path
from typing import Any

import numpy as np

from lethe.artefacts.nodes import read_results
from lethe.longtables.end_task_items import clustered_error


def read_end_tasks(record: dict[str, Any], results: Path) -> dict[str, dict[str, Any]]:
    """The results of every end-task node of a study's record, by node.

    Raises:
        UserError: a result is missing or altered.
    """
    nodes = {node for nodes in record.get("end_tasks", {}).values() for node in nodes}
    return {node: read_results(results, "end_task", node) for node in sorted(nodes)}


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
            "stderr": _error(result, metric) if split == "test" else None,
        }
        for result in manifest["results"]
        for split, scores in sorted(result["scores"].items())
        for metric, value in sorted(scores.items())
    ]


def _error(result: dict[str, Any], metric: str) -> float | None:
    """Standard error of a score over the clusters of its items; None of older results."""
    if "values" not in result:
        return None
    return clustered_error(np.array(result["values"][metric]), result["clusters"])
