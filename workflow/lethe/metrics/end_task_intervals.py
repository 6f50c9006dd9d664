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

# Plain training at the rate of DAS: methods are compared at equal learning.
EQUAL_RATE = "sequential-das-rate"
REFERENCES = ("sequential", EQUAL_RATE, "das")
COMPARED = ("f1_final", "f1_fr_ke", "acc_final", "acc_fr_ke")
PARTS = ("base", "own", "final")
UNITS = ("item clusters", "items")

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
            other = _reference(head, reference, list(of))
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
            clusters = of_node["cluster_id"].astype(object).to_numpy()
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
    found: dict[tuple[str, str], Sum] = {}
    nodes = dict(
        zip(zip(rows["stage_index"], rows["probe"], strict=True), rows["node"], strict=True)
    )
    domain = dict(rows[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    headline = dict(
        rows.loc[rows["headline"].astype(bool), ["probe", "metric"]].itertuples(
            index=False, name=None
        )
    )
    stages, last = stages_of(rows), int(rows["stage_index"].max())
    own = {name: stages.get(domain.get(name, "")) for name in names}
    for word in ("f1", "acc"):

        def score(name: str, stage: int | None, word: str = word) -> ItemScore | None:
            metric = headline.get(name, "") if word == "f1" else "accuracy"
            return known.get((nodes.get((stage, name), ""), name, metric))

        cells = {
            part: [score(name, stage) for name, stage in where]
            for part, where in {
                "base": [(name, 0) for name in names],
                "own": list(own.items()),
                "final": [(name, last) for name in names],
            }.items()
        }
        for part, of_part in cells.items():
            for name, one in zip(names, of_part, strict=True):
                if one is not None:
                    found[f"{word}_{part}", name] = [(1.0, one)]
            if all(one is not None for one in of_part):
                found[f"{word}_{part}", ""] = [(1 / len(names), one) for one in of_part]
        earlier = [place for place, name in enumerate(names) if (own[name] or last) < last]
        pairs = [(cells["own"][place], cells["final"][place]) for place in earlier]
        if pairs and all(one is not None for pair in pairs for one in pair):
            share = 1 / len(pairs)
            found[f"{word}_fr_ke", ""] = [
                (sign * share, one)
                for pair in pairs
                for sign, one in zip((1, -1), pair, strict=True)
            ]
    return found


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


def _reference(head: dict, reference: str, listed: list[tuple]) -> tuple | None:
    """The run of a reference method on the same model, order and seeds; None if there is none."""
    same = ("model", "order", "world_seed", "base_seed", "train_seed")
    own = (head["parametrisation"], head["recipe"])
    named = [(run, dict(zip(RUN_COLUMNS, run, strict=True))) for run in listed]
    found = [
        (nearness(words["parametrisation"], words["recipe"], own), place, run)
        for place, (run, words) in enumerate(named)
        if words["method"] == reference and all(words[key] == head[key] for key in same)
    ]
    if not found:
        return None
    nearest = min(found)[2]
    return None if dict(zip(RUN_COLUMNS, nearest, strict=True)).items() <= head.items() else nearest


def _row(head: dict, metric: str, probe: str, found: ClusterInterval) -> dict:
    has_interval = not np.isnan(found.low)
    return {
        **head,
        "stage_index": None,
        "stage_task": "",
        "axis": END_TASK,
        "probe": probe,
        "subset": "",
        "metric": metric,
        "value": 100 * found.value,
        "low": 100 * found.low,
        "high": 100 * found.high,
        "n": found.items,
        "n_units": found.clusters if has_interval else 0,
        "unit": UNITS[found.clusters == found.items] if has_interval else "none",
        "note": "" if has_interval else "a single cluster, no interval",
    }
