"""A group of evaluation tasks as one set: all items together, each task one cluster."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from lethe.artefacts.files import digest
from lethe.errors import UserError
from lethe.evaluation.intervals import mean_stderr
from lethe.evaluation.scores import modal_share

# Columns of an item that are scores in addition to the task's metrics.
MEASURES = ("gold_logprob", "margin")


def merge(name: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    """One result from the results of a group's members.

    Every item counts the same, so a member counts by its size. This is the average of lm-eval's
    groups with `weight_by_size`, and of the concatenated test sets of Luo et al. 2023.

    Raises:
        UserError: a metric of a member is not the mean over its items.
    """
    items = _items(results)
    return {
        **results[0],
        "task": name,
        "version": ", ".join(sorted({result["version"] for result in results})),
        "task_digest": digest({result["task"]: result["task_digest"] for result in results}),
        "n": len(items),
        "encoded_apart": sum(result["encoded_apart"] for result in results),
        "scores": _scores(name, results, items),
        "items": items,
        "members": [result["task"] for result in results],
        "seconds": round(sum(result["seconds"] for result in results), 3),
    }


def _items(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pairs = [(result["task"], item) for result in results for item in result["items"]]
    names = names_in_group((task, item["item_id"]) for task, item in pairs)
    return [
        {**item, "item_id": name, "cluster_id": task}
        for (task, item), name in zip(pairs, names, strict=True)
    ]


def names_in_group(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The id of every item, given as (member, id), among the items of all members.

    Two members may ask the same question; in the group they are two items.
    """
    seen: set[str] = set()
    for task, name in items:
        unique = f"{name}-{task}" if name in seen else name
        seen.add(unique)
        yield unique


def _scores(name: str, results: list[dict], items: list[dict]) -> list[dict]:
    clusters = [item["cluster_id"] for item in items]
    rows = []
    for row in results[0]["scores"]:
        metric = row["metric"]
        if row["subset"]:
            continue
        if metric == "modal_share":
            value, stderr = modal_share([item["predicted"] for item in items]), None
        else:
            values = [_value(item, metric) for item in items]
            _require_means(name, results, metric)
            value, stderr = float(np.mean(values)), mean_stderr(values, clusters)
        rows.append({**row, "value": value, "stderr": stderr, "n": len(items)})
    return rows


def _value(item: dict, metric: str) -> float:
    return item[metric] if metric in MEASURES else item["metrics"][metric]


def _require_means(name: str, results: list[dict], metric: str) -> None:
    for result in results:
        rows = [r for r in result["scores"] if r["metric"] == metric and not r["subset"]]
        values = [_value(item, metric) for item in result["items"]] if rows else []
        if not rows or abs(rows[0]["value"] - np.mean(values)) > 1e-6:
            raise UserError(
                f"The group {name} cannot be scored as one set: {metric} of {result['task']} is "
                "not the mean over its items; list the group's tasks one by one."
            )
