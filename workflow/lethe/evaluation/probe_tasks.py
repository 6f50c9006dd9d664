"""The evaluation tasks that a study asks of its checkpoints, as the specs of its probes have them.

Imports nothing heavy.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_json
from lethe.artefacts.paths import fetched_files, node_directory, spec_file
from lethe.evaluation.specification import EvalTask


@dataclass(frozen=True)
class Asked:
    """task: as the study scores it. metric: its headline score. chat: as `score_checkpoint`."""

    task: EvalTask
    metric: str
    chat: dict[str, Any] | None = None


def asked_of(results: Path, probes: list[str]) -> dict[str, Asked]:
    """By name, what the probe nodes of a checkpoint ask; losses of texts are no evaluation tasks.

    probes: ids. Those of scores that were made elsewhere ask nothing here.
    """
    specs = [read_json(spec_file(results, probe)) for probe in probes]
    return {
        task["name"]: Asked(eval_task(task, results, spec), task["metric"], spec.get("chat"))
        for spec in specs
        if "imported" not in spec
        for task in spec["tasks"]
        if not task.get("texts")
    }


def eval_task(task: dict, results: Path, spec: dict) -> EvalTask:
    """One evaluation task from a probe's spec."""
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
