"""The evaluation tasks that a study asks of its checkpoints, as the specs of its probes have them.

Imports nothing heavy.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.artefacts.files import read_object
from lethe.artefacts.manifests import inside
from lethe.artefacts.paths import fetched_files, node_directory, spec_file
from lethe.evaluation.specification import EvalTask


@dataclass(frozen=True)
class TextSet:
    """A file of held-out texts, scored by the loss of its tokens or as cloze."""

    name: str
    axis: str
    chance: float | None
    metric: str
    path: Path
    split: str
    limit: int | None
    cluster: None = None

    def asked(self) -> dict[str, Any]:
        """As `score_texts` takes it."""
        return {name: getattr(self, name) for name in ("name", "axis", "chance", "metric", "path")}


@dataclass(frozen=True)
class Asked:
    """task: as the study scores it. metric: its headline score. chat: as `score_checkpoint`."""

    task: EvalTask | TextSet
    metric: str
    chat: dict[str, Any] | None = None


def asked_of(results: Path, probes: list[str]) -> dict[str, Asked]:
    """By name, what the probe nodes of a checkpoint ask.

    probes: ids. Those of scores that were made elsewhere ask nothing here.
    """
    specs = [read_object(spec_file(results, probe)) for probe in probes]
    return {
        task["name"]: Asked(
            (text_set if task.get("texts") else eval_task)(task, results, spec),
            task["metric"],
            spec.get("chat"),
        )
        for spec in specs
        if "imported" not in spec
        for task in spec["tasks"]
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


def text_set(task: dict, results: Path, spec: dict) -> TextSet:
    """A file of texts from a probe's spec."""
    folder = node_directory(results, task["data_kind"], task["data"])
    path = inside(folder, task["texts"].format(split=spec["split"]))
    told = {name: task[name] for name in ("name", "axis", "chance", "metric")}
    return TextSet(**told, path=path, split=spec["split"], limit=spec["limit"])
