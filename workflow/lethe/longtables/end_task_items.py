"""Single items of end tasks, as rows of the tables of items. Imports nothing heavy but numpy."""

from typing import Any

import numpy as np

PREFIX = "end_task."
"""Before an end task's name, the name of its set of items: no evaluation set is called so."""


def end_task_items(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for every test item of an end task on one checkpoint; none of older results.

    Its values are means over end-task seeds, and `predicted` is the first seed's. Clusters that the
    files name are the same in all end tasks on the same data; other items are told apart by the end
    task's name.
    """
    results = manifest["results"]
    if not results or not all("values" in result for result in results):
        return []
    name, first = manifest["spec"]["end_task"], results[0]
    values = {
        metric: np.mean([result["values"][metric] for result in results], axis=0).tolist()
        for metric in first["values"]
    }
    prefix = "" if first["named_clusters"] else f"{name} "
    return [
        {
            "subset": "",
            "item_id": f"{name} {place + 1:06d}",
            "cluster_id": f"{prefix}{cluster}",
            "cluster_scope": "" if prefix else manifest["spec"]["data"],
            "correct": values["accuracy"][place],
            "predicted": first["labels"][first["predicted"][place]],
            "metrics": {metric: of_items[place] for metric, of_items in values.items()},
        }
        for place, cluster in enumerate(first["clusters"])
    ]


def clustered_error(values: np.ndarray, clusters: list[str]) -> float | None:
    """Standard error of the items' mean, with clusters as the independent units; None for one.

    sqrt(G / (G - 1) sum of squares of the clusters' parts in the mean's deviation), G clusters.
    """
    names, place = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        return None
    parts = np.bincount(place, values - values.mean(), len(names)) / len(values)
    return float(np.sqrt(len(names) / (len(names) - 1) * (parts**2).sum()))
