"""Turn lm-eval's result files of one checkpoint into the results of a probe."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.files import sha256_file
from lethe.errors import UserError
from lethe.imported.alike import task_digest
from lethe.imported.asked import finder
from lethe.imported.items import items_of_samples, read_samples
from lethe.imported.result_file import PLAIN, ResultFile, TaskResult, read_result_file
from lethe.longtables.questions import Question
from lethe.longtables.same_versions import with_differences

ENGINE = "lm-eval"


def imported_results(spec: dict[str, Any]) -> tuple[list[dict], int | None, list[str]]:
    """(one result per task in the files, number of parameters, tasks or metrics that they lack).

    Raises:
        UserError: a file has changed since planning, or holds too little on a task.
    """
    files = []
    for entry in spec["imported"]:
        for file in (entry, *entry["samples"].values()):
            _require_unchanged(file)
        files.append((read_result_file(entry["path"], "results"), entry["samples"]))
    results, missing = [], []
    for task in spec["tasks"]:
        holder = next(((f, s) for f, s in files if task["name"] in f.tasks), None)
        if holder is None:
            missing.append(f"the task {task['name']}")
            continue
        result = result_of_file(task, *holder) | spec.get("stated", {}).get(task["name"], {})
        result["engine"] = with_differences(ENGINE, spec.get("declared", []))
        results.append(result)
        if task["metric"] not in {score["metric"] for score in result["scores"]}:
            missing.append(f"the metric {task['metric']} of {task['name']}")
    params = next((file.params for file, _ in files if file.params), spec["params"])
    return results, None if params is None else int(params), missing


def imported_questions(task: dict[str, Any], spec: dict[str, Any]) -> Iterator[Question]:
    """The texts of one task's items, from the samples that were logged; nothing without samples.

    Raises:
        UserError: a file has changed since planning.
    """
    for entry in spec["imported"]:
        for file in (entry, *entry["samples"].values()):
            _require_unchanged(file)
        found = read_result_file(entry["path"], "results")
        if task["name"] in found.tasks:
            result = result_of_file(task, found, entry["samples"], texts=True)
            yield from (Question.of(item) for item in result["items"])


def _require_unchanged(file: dict[str, str]) -> None:
    if not Path(file["path"]).is_file():
        raise UserError(f"results: expected a file, found none at {file['path']}.")
    if sha256_file(file["path"]) != file["sha256"]:
        raise UserError(f"results: {file['path']} has changed since it was planned; run again.")


def result_of_file(
    task: dict[str, Any], file: ResultFile, sampled: dict[str, dict], texts: bool = False
) -> dict[str, Any]:
    """The result of one task in a file, as `score_checkpoint` gives it.

    Args:
        task: name, axis, metric, chance, shots, cluster, subset, and the kind of its digest.
        sampled: `path` of the samples by task, where they are in files of their own.
        texts: whether items have their texts too (`Question.row`).

    Raises:
        UserError: the file does not show how many items the task has.
    """
    result = file.tasks[task["name"]]
    names = metric_names(task["metric"], result)
    filtered = next((key for key, name in names.items() if name == task["metric"]), ("", PLAIN))
    items = _items(task, result, file, sampled, filtered, names, texts)
    n = result.n or len(items)
    if not n:
        raise UserError(
            f"{file.path}: neither `n-samples` nor samples show how many items {task['name']!r} "
            "has; score it again with a newer lm-eval, or with --log_samples."
        )
    scores = _of_whole(result, names, n)
    scores += _of_subsets(task["metric"], items, result.higher_is_better.get(filtered[0]))
    return {
        "task": task["name"],
        "axis": task["axis"],
        "cluster_source": result.dataset,
        "chance": task["chance"],
        "split": "test",
        "shots": task["shots"] if result.shots is None else result.shots,
        "version": result.version,
        "task_digest": task_digest(result, task["digest"]),
        "lm_eval_version": file.settings["lm_eval_version"],
        "dtype": file.settings["dtype"],
        "n": n,
        "scores": scores,
        "items": items,
        "seconds": 0.0,
    }


def metric_names(wanted: str, result: TaskResult) -> dict[tuple[str, str], str]:
    """Names of the values: the metric's name, followed by the filter if it has several filters.

    wanted: the metric that is asked for, whose own name is kept.
    """
    filters: dict[str, list[str]] = {}
    for metric, filtered in result.values:
        filters.setdefault(metric, []).append(filtered)
    names = {}
    for metric, filtered in result.values:
        alone = len(filters[metric]) == 1 or filtered == PLAIN
        names[metric, filtered] = metric if alone else f"{metric},{filtered}"
    # A name with a filter is accepted even if the metric has only that filter.
    for (metric, filtered), name in names.items():
        if wanted == f"{metric},{filtered}" != name:
            names[metric, filtered] = wanted
    return names


def _items(
    task: dict[str, Any],
    result: TaskResult,
    file: ResultFile,
    sampled: dict[str, dict],
    filtered: tuple[str, str],
    names: dict[tuple[str, str], str],
    texts: bool,
) -> list[dict]:
    """Items of a task, or of all tasks of a group; empty unless every task was logged."""
    if any(leaf not in sampled and leaf not in file.samples for leaf in result.leaves):
        return []
    samples = []
    for leaf in result.leaves:
        inside = file.samples.get(leaf)
        samples += inside if inside is not None else read_samples(sampled[leaf]["path"])
    find = finder(file.prompts.get(result.leaves[0], {})) if texts and result.leaves else None
    return items_of_samples(samples, task, *filtered, names, find)


def _of_whole(result: TaskResult, names: dict[tuple[str, str], str], n: int) -> list[dict]:
    """The file's scores over all items."""
    return [
        {
            "subset": "",
            "metric": name,
            "value": result.values[key],
            "stderr": result.stderr.get(key),
            "n": n,
            "higher_is_better": result.higher_is_better.get(key[0]),
        }
        for key, name in names.items()
    ]


def _of_subsets(metric: str, items: list[dict], better: bool | None) -> list[dict]:
    """Mean over the items of each subset; nothing if an item has no value in 0..1."""
    rows = []
    for subset in sorted({item["subset"] for item in items} - {""}):
        values = [item["correct"] for item in items if item["subset"] == subset]
        if None in values:
            return []
        mean = sum(values) / len(values)
        spread = sum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1)
        rows.append(
            {
                "subset": subset,
                "metric": metric,
                "value": mean,
                "stderr": (spread / len(values)) ** 0.5 if len(values) > 1 else None,
                "n": len(values),
                "higher_is_better": better,
            }
        )
    return rows
