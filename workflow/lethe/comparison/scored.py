"""The scores of each target by set, whatever they were read from, and whether they were made alike.

Every result has the form that `evaluate` gives: scores, and items where these are known.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lethe.artefacts.files import read_json
from lethe.artefacts.kept import checked
from lethe.comparison.abilities import known
from lethe.comparison.targets import Target
from lethe.errors import UserError
from lethe.imported.alike import StageFiles, how_scored, kind_of_digest
from lethe.imported.result_file import ResultFile, TaskResult, read_result_file, sample_file
from lethe.imported.scale import require_shares
from lethe.imported.scores import metric_names, result_of_file
from lethe.longtables.same_versions import NEVER_HARMLESS, Scored, require_same

AGAIN = "in the same way"
IF_HARMLESS = ", or, if that changes no score, say `--harmless {}`"
MEANS = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match")
"""Metrics of lm-eval that are plain means over samples, unless a task aggregates them otherwise."""
OF_ANSWERS = "modal_share"
"""A score that says how the answers are spread, not how good they are."""


class Scores(Protocol):
    """The scores of one target."""

    target: Target

    def sets(self) -> list[str]:
        """The sets to compare if none is named."""
        ...

    def metrics(self, name: str) -> list[str]:
        """The metrics of a set in the order of its task; empty if it is not there."""
        ...

    def broken(self, name: str) -> str:
        """A value of the set that is no number, as it stands in its file; empty without any."""
        ...

    def result(self, name: str, metric: str) -> dict[str, Any]:
        """The result of a set; `correct` of its items need not be of this metric."""
        ...


@dataclass(frozen=True)
class Made:
    """Results of `evaluate`, by set."""

    target: Target
    results: dict[str, dict[str, Any]]

    def sets(self) -> list[str]:
        return list(self.results)

    def metrics(self, name: str) -> list[str]:
        rows = self.results[name]["scores"] if name in self.results else []
        return [r["metric"] for r in rows if not r["subset"] and r["metric"] != OF_ANSWERS]

    def broken(self, name: str) -> str:
        return ""

    def result(self, name: str, metric: str) -> dict[str, Any]:
        return self.results[name]


@dataclass(frozen=True)
class Imported:
    """Result files of lm-eval; with `texts`, items have those of their samples."""

    target: Target
    stage: StageFiles
    texts: bool = False

    def sets(self) -> list[str]:
        """Groups in place of their tasks, which they hold, and tasks of no group."""
        tasks = {name: file.tasks[name] for name, file in self.stage.holder.items()}
        inside = {
            leaf for name, task in tasks.items() for leaf in task.leaves if task.leaves != (name,)
        }
        groups = {name: set(task.leaves) for name, task in tasks.items() if name not in inside}
        return [
            name
            for name, leaves in groups.items()
            if not any(leaves < others for others in groups.values())
        ]

    def metrics(self, name: str) -> list[str]:
        task = self.stage.task(name)
        return [] if task is None else list(dict.fromkeys(metric_names("", task).values()))

    def broken(self, name: str) -> str:
        task = self.stage.task(name)
        return next(iter(task.broken.values()), "") if task else ""

    def result(self, name: str, metric: str) -> dict[str, Any]:
        file = self.stage.holder[name]
        about = known(name)
        task = {
            "name": name,
            "axis": about.ability,
            "metric": metric,
            "chance": about.chance,
            "shots": None,
            "cluster": about.cluster,
            "subset": None,
            "digest": kind_of_digest(name, [self.stage]),
        }
        paths = {leaf: sample_file(file.path, leaf) for leaf in file.tasks[name].leaves}
        sampled = {leaf: {"path": str(path)} for leaf, path in paths.items() if path is not None}
        result = result_of_file(task, file, sampled, self.texts)
        result["plain_means"] = _plain_means(file, file.tasks[name])
        for row in result["scores"]:
            require_shares(name, row["metric"], self.target.given, [(file.short, row["value"])])
        return result


def read_kept_results(target: Target) -> Made:
    """What `lethe evaluate` printed as JSON, or kept in a folder.

    Raises:
        UserError: a file holds something else, or a set is in two of them.
    """
    found = [result for path in target.files for result in _results_of(path)]
    results: dict[str, dict[str, Any]] = {}
    for result in found:
        name = result["task"]
        if name in results:
            raise UserError(
                f"{target.given}: holds two results of {name!r}, as of two checkpoints; give the "
                "file of one of them, or the checkpoint itself with this folder as --out."
            )
        results[name] = result
    return Made(target, results)


def _results_of(path) -> list[dict[str, Any]]:
    content = read_json(path)
    results = content if isinstance(content, list) else [checked(path)]
    if not results or not all(
        isinstance(result, dict) and {"task", "scores", "items"} <= result.keys()
        for result in results
    ):
        raise UserError(f"{path}: expected results as `lethe evaluate --json` prints them.")
    return results


def _plain_means(file: ResultFile, task: TaskResult) -> list[str]:
    """Its metrics that are plain means over its samples; none of a group, which may weigh tasks."""
    if task.leaves != (task.name,):
        return []
    listed = file.prompts.get(task.name, {}).get("metric_list")
    other = [
        str(entry.get("metric"))
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict) and entry.get("aggregation", "mean") != "mean"
    ]
    names = metric_names("", task).items()
    return [name for (metric, _), name in names if metric in MEANS and metric not in other]


def read_lm_eval(target: Target, index: int, texts: bool = False) -> Imported:
    """The result files of a target; texts: whether its items have theirs.

    Raises:
        UserError: a file is no result of lm-eval, or a task is in two files.
    """
    files = [read_result_file(path, target.label) for path in target.files]
    holder: dict[str, ResultFile] = {}
    for file in files:
        for task in file.tasks:
            if task in holder:
                newest = max(target.files, key=lambda path: path.name)
                raise UserError(
                    f"{target.given}: the task {task!r} is in both {holder[task].path.name} and "
                    f"{file.path.name}; give one file, as the newest, {newest}."
                )
            holder[task] = file
    if not holder:
        raise UserError(f"{target.given}: its result files hold no score.")
    return Imported(target, StageFiles(index, target.label, files, holder), texts)


def require_alike(name: str, scores: Sequence[Scores], harmless: Collection[str]) -> None:
    """Refuse a set that was not scored in the same way for all targets that have it.

    Raises:
        UserError: names the set, the targets, and both values.
    """
    having = [each for each in scores if each.metrics(name)]
    made = [(i, each) for i, each in enumerate(having) if isinstance(each, Made)]
    imported = [each for each in having if isinstance(each, Imported)]
    if made and imported:
        engine = made[0][1].results[name].get("engine", "fast")
        raise UserError(
            f"{name}: {made[0][1].target.label} was scored here (engine {engine}) and "
            f"{imported[0].target.label} by lm-eval itself, which cannot be paired item by item; "
            "give checkpoints on both sides, or result files of lm-eval on both."
        )
    scored = [_how(each.results[name], i, each.target.label) for i, each in made]
    scored += how_scored(name, [each.stage for each in imported]) if imported else []
    # Other numbers of items are paired as far as they are the same ones, and said.
    allowed = {"n", *harmless}
    values = [
        {key: value for key, value in each.values.items() if key not in allowed} for each in scored
    ]
    odd = sorted({k for one in values for k in one if len({v[k] for v in values if k in v}) > 1})
    again = AGAIN
    if not set(odd) & set(NEVER_HARMLESS):
        again += IF_HARMLESS.format(" ".join([*sorted(harmless), *odd]))
    alike = [
        Scored(each.stage, each.mixture, again, kept, each.file)
        for each, kept in zip(scored, values, strict=True)
    ]
    require_same(name, "compare", alike)


def _how(result: dict[str, Any], index: int, label: str) -> Scored:
    chat = result.get("chat")
    values = {
        "version": result.get("version"),
        "shots": result.get("shots"),
        "lm_eval_version": result.get("lm_eval_version"),
        "task_digest": result.get("task_digest"),
        "engine": result.get("engine"),
        "dtype": result.get("dtype"),
        "split": result.get("split"),
        "chat_template": json.dumps(chat, sort_keys=True) if chat else "none",
    }
    known_values = {key: str(value) for key, value in values.items() if value is not None}
    return Scored(index, label, "", known_values)
