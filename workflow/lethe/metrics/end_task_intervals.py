"""Rows of the metrics table on end tasks: what one run shows, with intervals over its items.

A run's scores depend on which words its test sets ask for, so the clusters of its items (stems) are
the units: `lethe.metrics.clustered`. What other runs would show is for t-intervals over runs.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lethe.longtables.axes import END_TASK
from lethe.longtables.end_task_items import PREFIX
from lethe.longtables.rows import VALUE
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import of_run, runs
from lethe.metrics.clustered import ClusterInterval, ItemScore, difference, item_score, level
from lethe.metrics.end_tasks import stages_of
from lethe.metrics.intervals import RESAMPLES
from lethe.metrics.shared_clusters import full_names

# Plain training at the rate of DAS: methods are compared at equal learning.
EQUAL_RATE = "sequential-das-rate"
REFERENCES = ("sequential", EQUAL_RATE, "das")
COMPARED = ("f1_final", "f1_fr_ke", "acc_final", "acc_fr_ke")
LOST = ("f1_fr_ke", "acc_fr_ke")
UNITS = ("item clusters", "items")
# Two runs that agree in these are paired.
PAIRED = ("model", "order", "world_seed", "base_seed", "train_seed")

Place = tuple[str, str, str]
"""Checkpoint node, end task, metric."""
Sum = list[tuple[float, ItemScore]]


def less(name: str, reference: str) -> str:
    """The metric that is a summary less that of a reference: `f1_final_less_sequential`."""
    return f"{name}_less_{reference}"


def nearness(parametrisation: str, recipe: str, own: tuple[str, str]) -> tuple[bool, ...]:
    """Sorts the runs of a reference method: all weights trained, else as the own one; its recipe.

    own: parametrisation and recipe of what is compared.
    """
    return parametrisation != "full", parametrisation != own[0], recipe != own[1]


def end_task_intervals(
    scores: pd.DataFrame, items: Mapping[str, pd.DataFrame], seed: int, resamples: int = RESAMPLES
) -> list[dict]:
    """Rows of every run whose end tasks have items: summaries in points, and their differences.

    Metrics are those of the tables: `f1_own`, `acc_fr_ke` and others over all end tasks, `f1_base`
    of one (`probe`), and less a method of REFERENCES on the same seeds and order.
    """
    tested = scores[(scores["kind"] == END_TASK) & (scores["split"] == "test")]
    known = _item_scores(tested, items)
    if not known:
        return []
    rows, names = [], sorted(tested["probe"].unique())
    of = {run: _sums(of_run(tested, run), names, known) for run in runs(tested)}
    for run, sums in of.items():
        head = dict(zip(RUN_COLUMNS, run, strict=True))
        head["params"] = of_run(tested, run)["params"].iloc[0]
        found = _intervals(sums, seed, resamples)
        for reference in REFERENCES:
            other = _reference(run, reference, list(of))
            if other is not None:
                found |= _differences(sums, of[other], reference, seed, resamples)
        rows += [_row(head, *place, one) for place, one in found.items()]
    return rows


def _item_scores(tested: pd.DataFrame, items: Mapping[str, pd.DataFrame]) -> dict[Place, ItemScore]:
    """Scores of the headline metrics and of accuracy, from the items of every end task."""
    found: dict[Place, ItemScore] = {}
    for probe, rows in tested.groupby("probe", sort=True):
        if f"{PREFIX}{probe}" not in items:
            continue
        metrics = {"accuracy", *rows.loc[rows["headline"].astype(bool), "metric"]}
        for node, of_node in items[f"{PREFIX}{probe}"].groupby("node", observed=True, sort=True):
            clusters = full_names(of_node).tolist()
            for metric in sorted(metrics):
                values = of_node[VALUE + metric].to_numpy(dtype=float)
                found[str(node), str(probe), metric] = item_score(values, clusters)
    return found


def _sums(
    rows: pd.DataFrame, names: Sequence[str], known: Mapping[Place, ItemScore]
) -> dict[tuple[str, str], Sum]:
    """By (metric, end task or nothing) the scores that one run's numbers are sums of.

    As in `end_tasks.summary`; a number of which a score is missing is left out.
    """
    domain = dict(rows[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    stages, last = stages_of(rows), int(rows["stage_index"].max())
    own = {name: stages.get(domain.get(name, "")) for name in names}
    parts: dict[str, dict[str, int | None]] = {
        "base": dict.fromkeys(names, 0),
        "own": own,
        "final": dict.fromkeys(names, last),
    }
    chosen = {"f1": rows["headline"].astype(bool), "acc": rows["metric"] == "accuracy"}
    found: dict[tuple[str, str], Sum] = {}
    for word, mask in chosen.items():
        cells = _cells(rows[mask], known)
        for part, stage_of in parts.items():
            places = [(stage, name) for name, stage in stage_of.items() if (stage, name) in cells]
            found |= {
                (f"{word}_{part}", name): [(1.0, cells[stage, name])] for stage, name in places
            }
            if len(places) == len(names):
                found[f"{word}_{part}", ""] = [(1 / len(names), cells[place]) for place in places]
        if lost := _lost(cells, own, last):
            found[f"{word}_fr_ke", ""] = lost
    return found


def _cells(rows: pd.DataFrame, known: Mapping[Place, ItemScore]) -> dict[tuple, ItemScore]:
    """By (stage, end task) the scores of one run's rows, one metric for each end task."""
    columns = ["stage_index", "probe", "node", "metric"]
    return {
        (stage, name): known[node, name, metric]
        for stage, name, node, metric in rows[columns].itertuples(index=False, name=None)
        if (node, name, metric) in known
    }


def _lost(cells: Mapping[tuple, ItemScore], own: Mapping[str, int | None], last: int) -> Sum:
    """Mean of own - final over the end tasks whose domain is not the last; empty if one lacks."""
    earlier = {name: stage for name, stage in own.items() if stage is not None and stage < last}
    needed = [(stage, name) for name, stage in earlier.items()]
    needed += [(last, name) for name in earlier]
    if any(place not in cells for place in needed):
        return []
    share = 1 / max(len(earlier), 1)
    signs = [share] * len(earlier) + [-share] * len(earlier)
    return [(sign, cells[place]) for sign, place in zip(signs, needed, strict=True)]


def _intervals(
    sums: Mapping[tuple[str, str], Sum], seed: int, resamples: int
) -> dict[tuple[str, str], ClusterInterval]:
    return {
        place: difference(weighted, seed, resamples)
        if place[0].endswith("fr_ke")
        else level([score for _, score in weighted], seed, resamples)
        for place, weighted in sums.items()
    }


def _differences(
    sums: Mapping[tuple[str, str], Sum],
    other: Mapping[tuple[str, str], Sum],
    reference: str,
    seed: int,
    resamples: int,
) -> dict[tuple[str, str], ClusterInterval]:
    return {
        (less(name, reference), ""): difference(
            [*sums[name, ""], *((-weight, score) for weight, score in other[name, ""])],
            seed,
            resamples,
        )
        for name in COMPARED
        if (name, "") in sums and (name, "") in other
    }


def _reference(run: tuple, reference: str, listed: list[tuple]) -> tuple | None:
    """Another run, of a reference method on the same model, order and seeds; None without one."""
    own, found = dict(zip(RUN_COLUMNS, run, strict=True)), []
    for place, other in enumerate(listed):
        words = dict(zip(RUN_COLUMNS, other, strict=True))
        if words["method"] == reference and all(words[key] == own[key] for key in PAIRED):
            near = nearness(
                words["parametrisation"], words["recipe"], (own["parametrisation"], own["recipe"])
            )
            found.append((near, place))
    nearest = listed[min(found)[1]] if found else None
    return None if nearest == run else nearest


def _row(head: dict, metric: str, probe: str, found: ClusterInterval) -> dict:
    has_interval = not np.isnan(found.low)
    low, high = 100 * found.low, 100 * found.high
    if metric in LOST:
        # The ends of a difference to a method are kept as they are: its p is read from them.
        low, high = np.clip([low, high], -100.0, 100.0).tolist()
    return {
        **head,
        "stage_index": None,
        "stage_task": "",
        "axis": END_TASK,
        "probe": probe,
        "subset": "",
        "metric": metric,
        "value": 100 * found.value,
        "low": low,
        "high": high,
        "n": found.items,
        "n_units": found.clusters if has_interval else 0,
        "unit": UNITS[found.clusters == found.items] if has_interval else "none",
        "note": "" if has_interval else "a single cluster, no interval",
    }
