"""Probe specs of a chain whose scores were made elsewhere, checked before anything is computed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.artefacts.local_files import file_digest
from lethe.config.catalogue import Catalogue, Probe, Study
from lethe.config.origins import Import
from lethe.errors import UserError
from lethe.imported.result_file import ResultFile, TaskResult, read_result_file, sample_file
from lethe.longtables.same_versions import Scored, require_same


@dataclass(frozen=True)
class StageFiles:
    """The result files of one stage, and which of them holds each task."""

    index: int
    mixture: str
    files: list[ResultFile]
    holder: dict[str, ResultFile]

    def task(self, name: str) -> TaskResult | None:
        return self.holder[name].tasks[name] if name in self.holder else None


def stage_specs(
    study: Study, catalogue: Catalogue, name: str, entry: Import
) -> list[dict[str, Any]]:
    """One probe spec per stage, in order.

    Raises:
        UserError: a file is not a result of lm-eval, a task is in two files of a stage, a file is
            named twice, or a task was not scored in the same way in all stages.
    """
    stages = [_read_stage(name, index, stage) for index, stage in enumerate(entry.stages)]
    _refuse_repeats(name, stages)
    probes = [catalogue.probes[probe] for probe in study.probes]
    _require_some(name, stages, {task for probe in probes for task in probe.tasks})
    for probe in probes:
        for task, wanted in probe.tasks.items():
            _check_task(name, task, wanted.shots, stages)
    return [_spec(name, entry, stage, probes, stages) for stage in stages]


def _read_stage(name: str, index: int, stage) -> StageFiles:
    where = f"imports.{name}.stages[{index}].results"
    files = [read_result_file(path, where) for path in stage.results]
    holder: dict[str, ResultFile] = {}
    for file in files:
        for task in file.tasks:
            if task in holder:
                raise UserError(
                    f"{where}: the task {task!r} is in both {holder[task].path} and {file.path}; "
                    "name one of the two."
                )
            holder[task] = file
    return StageFiles(index, stage.task or "", files, holder)


def _refuse_repeats(name: str, stages: list[StageFiles]) -> None:
    seen: dict[str, tuple[int, Path]] = {}
    for stage in stages:
        for file in stage.files:
            content = file_digest(str(file.path), f"imports.{name}.stages[{stage.index}].results")
            if content in seen:
                index, path = seen[content]
                raise UserError(
                    f"imports.{name}: stage {stage.index} has the same results as stage {index} "
                    f"({file.path} and {path} have equal content); name each stage's own files."
                )
            seen[content] = (stage.index, file.path)


def _require_some(name: str, stages: list[StageFiles], wanted: set[str]) -> None:
    scored = {task for stage in stages for task in stage.holder}
    if not scored & wanted:
        raise UserError(
            f"imports.{name}: its result files hold no task of the selected probes (expected some "
            f"of {_some(wanted)}; found {_some(scored)}); name a probe that has them in `probes`."
        )


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:6]) + (", ..." if len(names) > 6 else "")


def _check_task(name: str, task: str, shots: int, stages: list[StageFiles]) -> None:
    """Refuse a task that differs between stages, or has another number of shots than the probe."""
    way = _digest_of(task, stages)
    scored = []
    for stage in stages:
        result = stage.task(task)
        if result is None:
            continue
        file = stage.holder[task]
        values = {"version": result.version, "lm_eval_version": file.lm_eval_version}
        values |= {"dtype": file.dtype, "task_digest": task_digest(result, way)}
        values |= {"shots": str(result.shots)} if result.shots is not None else {}
        again = "run lm_eval on its checkpoint and name the new result file"
        scored.append(Scored(stage.index, stage.mixture, again, values))
    require_same(task, f"imports.{name}", scored)
    found = next((score.values["shots"] for score in scored if "shots" in score.values), None)
    if found is not None and int(found) != shots:
        raise UserError(
            f"imports.{name}: the task {task!r} was scored with {found} shots, but the probe has "
            f"{shots}; write `shots: {found}` in the probe, or score it again."
        )


def _digest_of(task: str, stages: list[StageFiles]) -> str:
    """The kind of digest that all stages with the task have, so that they can be compared."""
    results = [result for result in (stage.task(task) for stage in stages) if result]
    for way in ("hashed", "configured"):
        if results and all(getattr(result, way) for result in results):
            return way
    return "none"


def task_digest(result: TaskResult, way: str) -> str:
    """The digest that `_digest_of` chose; "unknown" if the files have none for the task."""
    return "unknown" if way == "none" else getattr(result, way)


def _spec(
    name: str, entry: Import, stage: StageFiles, probes: list[Probe], stages: list[StageFiles]
) -> dict[str, Any]:
    tasks = []
    for probe in probes:
        if probe.stages == "base" and stage.index > 0:
            continue
        for task, wanted in probe.tasks.items():
            way = _digest_of(task, stages)
            tasks.append({"name": task, "digest": way, **wanted.model_dump(exclude={"source"})})
    where = f"imports.{name}.stages[{stage.index}].results"
    return {
        "imported": [_file(file, tasks, where) for file in stage.files],
        "params": entry.params,
        "tasks": tasks,
    }


def _file(file: ResultFile, tasks: list[dict], where: str) -> dict[str, Any]:
    leaves = {
        leaf for task in tasks if task["name"] in file.tasks
        for leaf in file.tasks[task["name"]].leaves
    }  # fmt: skip
    paths = {leaf: sample_file(file.path, leaf) for leaf in sorted(leaves)}
    samples = {
        leaf: {"path": str(path), "sha256": file_digest(str(path), where)}
        for leaf, path in paths.items()
        if path is not None
    }
    return {
        "path": str(file.path),
        "sha256": file_digest(str(file.path), where),
        "samples": samples,
    }
