"""Probe specs of a chain whose scores were made elsewhere, checked before anything is computed."""

from pathlib import Path
from typing import Any

from lethe.artefacts.local_files import file_digest
from lethe.config.catalogue import Catalogue, Probe, Study
from lethe.config.origins import Import
from lethe.errors import UserError, shown
from lethe.imported.alike import StageFiles, how_scored, kind_of_digest
from lethe.imported.result_file import PLAIN, ResultFile, read_result_file, sample_file
from lethe.imported.scale import Score, mixed_scales, require_shares
from lethe.imported.settings import NONE
from lethe.longtables.same_versions import Scored, differing, require_same

STATED = ("version", "task_digest", "lm_eval_version", "dtype")
"""Columns of the scores table that are the same in all stages."""


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
            _require_numbers(name, task, wanted.metric, stages)
            _require_metric(name, task, wanted.metric, stages)
            _require_scale(name, task, entry, stages)
            _check_task(name, task, wanted.shots, entry, stages)
    declared = _declared(name, [task for probe in probes for task in probe.tasks], entry, stages)
    return [_spec(name, entry, stage, probes, stages) | declared for stage in stages]


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


def _require_numbers(name: str, task: str, metric: str, stages: list[StageFiles]) -> None:
    """Refuse a headline score that is no number; lm-eval writes NaN where it could not compute."""
    for stage in stages:
        result = stage.task(task)
        for (found, filtered), value in (result.broken if result else {}).items():
            if metric in (found, f"{found},{filtered}"):
                raise UserError(
                    f"imports.{name}.stages[{stage.index}].results: {stage.holder[task].path}: the "
                    f"metric {metric!r} of {task!r} is {value}, expected a number; score the stage "
                    "again, or take the task out of its probe."
                )


def _require_metric(name: str, task: str, metric: str, stages: list[StageFiles]) -> None:
    """Refuse a metric that no stage has, and one that several filters give but none by default."""
    results = [stage.task(task) for stage in stages if stage.task(task)]
    names = dict.fromkeys(key for result in results for key in (*result.values, *result.broken))
    known = {found for found, _ in names} | {f"{found},{filtered}" for found, filtered in names}
    if results and metric not in known:
        listed = ", ".join(f"`{found}`" for found in dict.fromkeys(found for found, _ in names))
        raise UserError(
            f"imports.{name}: expected a metric of {task!r} that its result files have, {listed}, "
            f"found {shown(metric)}; correct its `metric` in the probe."
        )
    for stage in stages:
        result = stage.task(task)
        filters = [key[1] for key in (result.values if result else {}) if key[0] == metric]
        if len(filters) > 1 and PLAIN not in filters:
            listed = " and ".join(f"'{metric},{filtered}'" for filtered in filters)
            raise UserError(
                f"imports.{name}: {stage.holder[task].path}: {task!r} has the metric {metric!r} "
                f"with several filters; name one of {listed} as its `metric` in the probe."
            )


def _require_scale(name: str, task: str, entry: Import, stages: list[StageFiles]) -> None:
    """Refuse scores in percent where shares are meant, or beside shares."""
    for metric, scores in _by_metric(task, stages).items():
        require_shares(task, metric, f"imports.{name}", scores)
    for metric, ((first, low), (second, high)) in _mixed(task, stages).items():
        if "scale" not in entry.harmless:
            raise UserError(
                f"imports.{name}: the metric {metric!r} of {task!r} is {high:g} in {second} and "
                f"{low:g} in {first}; percent and shares cannot be compared: write one scale in "
                "the files, or, if it is one, declare `harmless: [scale]`."
            )


def _by_metric(task: str, stages: list[StageFiles]) -> dict[str, list[Score]]:
    """The scores of every metric and filter of a task, in the order of the stages."""
    scores: dict[str, list[Score]] = {}
    for stage in stages:
        result = stage.task(task)
        for (metric, filtered), value in (result.values if result else {}).items():
            where = f"stage {stage.index} ({stage.holder[task].short})"
            name = metric if filtered == PLAIN else f"{metric},{filtered}"
            scores.setdefault(name, []).append((where, value))
    return scores


def _mixed(task: str, stages: list[StageFiles]) -> dict[str, list[Score]]:
    """A score in percent and one as a share, for every metric that has both."""
    mixed = {name: mixed_scales(name, scores) for name, scores in _by_metric(task, stages).items()}
    return {name: pair for name, pair in mixed.items() if pair}


def _check_task(name: str, task: str, shots: int, entry: Import, stages: list[StageFiles]) -> None:
    """Refuse a task that differs between stages, or has another number of shots than the probe."""
    scored = how_scored(task, stages)
    _refuse_limits(name, task, entry, scored)
    require_same(task, f"imports.{name}", scored, entry.harmless)
    found = next((score.values["shots"] for score in scored if "shots" in score.values), None)
    if found is not None and int(found) != shots:
        raise UserError(
            f"imports.{name}: the task {task!r} was scored with {found} shots, but the probe has "
            f"{shots}; write `shots: {found}` in the probe, or score it again."
        )


def _refuse_limits(name: str, task: str, entry: Import, scored: list[Scored]) -> None:
    for score in scored:
        limit = score.values.get("limit", NONE)
        if limit != NONE and "limit" not in entry.harmless:
            raise UserError(
                f"imports.{name}.stages[{score.stage}].results: {score.file} scored {task!r} with "
                f"`limit` {limit}, on the first items only; score all items, or, if all stages "
                "have the same ones, declare `harmless: [limit]`."
            )


def _declared(
    name: str, tasks: list[str], entry: Import, stages: list[StageFiles]
) -> dict[str, Any]:
    """What differs over the stages although it was declared harmless, for specs and tables.

    `declared` names all of it. `stated` has, by task, what the scores table says in place of a
    version, digest or precision that differs: all of its values. Empty if nothing differs.
    """
    names, stated = [], {}
    precisions: dict[str, str] = {}
    for task in tasks:
        scored = how_scored(task, stages)
        names += [*differing(scored), *_declared_alone(task, entry, scored, stages)]
        for column in STATED:
            values = dict.fromkeys(score.values[column] for score in scored)
            if len(values) > 1:
                stated.setdefault(task, {})[column] = ", ".join(values)
        precisions |= {score.values["dtype"]: f"{task!r} in {score.file}" for score in scored}
    if len(precisions) > 1:
        if "dtype" not in entry.harmless:
            (one, first), (other, second), *_ = precisions.items()
            raise UserError(
                f"imports.{name}: expected one precision for all tasks, found {one} ({first}) and "
                f"{other} ({second}); score one again, or declare `harmless: [dtype]`."
            )
        names.append("dtype")
        for task in tasks:
            stated.setdefault(task, {})["dtype"] = ", ".join(precisions)
    return {"declared": list(dict.fromkeys(names)), "stated": stated} if names else {}


def _declared_alone(
    task: str, entry: Import, scored: list[Scored], stages: list[StageFiles]
) -> list[str]:
    """Of what is refused even if it is the same in all stages, what is there and was declared."""
    limited = any(score.values.get("limit", NONE) != NONE for score in scored)
    return ["limit"] * limited + ["scale"] * bool(_mixed(task, stages))


def _spec(
    name: str, entry: Import, stage: StageFiles, probes: list[Probe], stages: list[StageFiles]
) -> dict[str, Any]:
    tasks = []
    for probe in probes:
        if probe.stages == "base" and stage.index > 0:
            continue
        for task, wanted in probe.tasks.items():
            way = kind_of_digest(task, stages)
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
