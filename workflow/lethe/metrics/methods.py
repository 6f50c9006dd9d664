"""Metrics of methods: those of the task matrix, over orders of the same stages and over seeds.

No formula of its own: the numbers are those of the metrics table, averaged.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lethe.longtables.axes import BIAS, GENERAL, OWN
from lethe.longtables.rows import mixtures
from lethe.longtables.run import SEEDS
from lethe.longtables.tables import METRIC_COLUMNS, RUN_COLUMNS
from lethe.metrics.axis_scores import ENDS, mean_of_rows
from lethe.metrics.over_seeds import over_seeds
from lethe.metrics.row_intervals import MEAN_SCORE, WITHIN, metric_range
from lethe.metrics.shown import LINE_COLUMNS, SEED_UNITS

TASK_MEASURES = ("acc", "la", "aia", "forget_chaudhry", "bwt_gem", "fwt_gem")
GENERAL_MEASURES = ("fg_luo", "delta_general")
OWN_BASE, OWN_END = "own_base", "own_end"
"""The own tasks' mean score of the base, and after the last stage, whoever taught them."""
OLD_BASE, OLD_OWN = "old_base", "old_own"
"""The mean score of the tasks that were not taught last, which forgetting is over: of the base, and
right after their own stage."""
OWN_CHANGE = "own_change"
ORDERLESS = [column for column in LINE_COLUMNS if column != "order"]


def method_metrics(scores: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows as in the metrics table: one per line, seeds and measure, and those over seeds.

    Measures are TASK_MEASURES, OWN_BASE, OWN_END, OLD_BASE and OLD_OWN of axis `own`; `fg_luo`, the
    mean over the axes of general ability but bias, and `delta_general`, of axis `general`. Orders
    that a model was taught with the same stages, in whatever order, are one line; its order names
    them all.

    The interval of a mean over orders is the mean of theirs: as orders share their items, it is at
    least as wide as it needs to be. A line that lacks an order for some of its seeds has no value.
    """
    of_sets = (MEAN_SCORE, "own_after", OWN_CHANGE)
    named = metrics["metric"].isin([*TASK_MEASURES, *of_sets, *GENERAL_MEASURES])
    own_scores = (metrics["axis"] == OWN) & metrics["metric"].str.startswith("score_")
    single = metrics[(named | own_scores) & ~metrics["unit"].isin(SEED_UNITS)]
    of_runs = [
        row
        for _, part in single.groupby(RUN_COLUMNS, dropna=False, sort=False)
        for row in _of_run(part)
    ]
    rows = _over_orders(pd.DataFrame(of_runs, columns=METRIC_COLUMNS), _stages(scores))
    in_range = {is_own: _are_shares(metrics, is_own) for is_own in (True, False)}
    for row in rows:
        row[WITHIN] = metric_range(row["metric"], in_range[row["axis"] == OWN])
    return pd.DataFrame([*rows, *over_seeds(rows)], columns=METRIC_COLUMNS)


def _are_shares(metrics: pd.DataFrame, are_own: bool) -> bool:
    """Whether all scores lie between 0 and 1: those of own tasks, or of general ability."""
    chosen = metrics["metric"].str.startswith("score_") & ((metrics["axis"] == OWN) == are_own)
    return bool(metrics.loc[chosen, "value"].dropna().between(0, 1).all())


def _of_run(rows: pd.DataFrame) -> Iterable[dict]:
    """One run's measures."""
    whole = rows[rows["probe"] == ""]
    named = {OWN: TASK_MEASURES, GENERAL: ("delta_general",)}
    for axis, names in named.items():
        yield from whole[(whole["axis"] == axis) & whole["metric"].isin(names)].to_dict("records")
    general = whole[(whole["metric"] == "fg_luo") & ~whole["axis"].isin([OWN, BIAS])]
    yield from _mean(general, "fg_luo", GENERAL, whole[whole["axis"] == GENERAL])
    scored = rows[(rows["axis"] == OWN) & rows["metric"].str.startswith("score_")]
    scored = scored[scored["subset"] == ""]
    taught = rows.loc[rows["metric"] == "own_after", "probe"]
    if len(taught):
        scored = scored[scored["probe"].isin(taught)]
    own = whole[whole["axis"] == OWN]
    means = own[own["metric"] == MEAN_SCORE]
    ends = {OWN_BASE: 0, OWN_END: scored["stage_index"].max()}
    for name, stage in ends.items():
        parts = means if len(means) else scored
        yield from _mean(parts[parts["stage_index"] == stage], name, OWN, own)
    of_old = rows[(rows["metric"] == OWN_CHANGE) & rows["value"].notna()]
    old = rows[(rows["axis"] == OWN) & rows["probe"].isin(of_old["probe"])]
    before = scored[scored["probe"].isin(of_old["probe"]) & (scored["stage_index"] == 0)]
    yield from _mean(before, OLD_BASE, OWN, own)
    yield from _mean(old[old["metric"] == "own_after"], OLD_OWN, OWN, own)


def _mean(rows: pd.DataFrame, name: str, axis: str, whole: pd.DataFrame) -> Iterable[dict]:
    """The mean of numbers of sets or axes as one row; none of none. whole: as `mean_of_rows`."""
    if not len(rows):
        return
    place = {"axis": axis, "probe": "", "subset": "", "stage_index": None, "stage_task": ""}
    notes = "; ".join(dict.fromkeys(note for note in rows["note"] if note))
    mean = mean_of_rows(rows, whole)
    yield rows.iloc[0].to_dict() | place | mean | {"metric": name, "note": notes}


def _stages(scores: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """The mixtures of every order's stages, sorted, so that orders of the same stages are equal."""
    listed = scores.loc[scores["stage_index"] > 0, ["order", "stage_index", "stage_task"]]
    groups = listed.drop_duplicates().groupby("order", sort=False)["stage_task"]
    return {
        str(order): tuple(sorted(part for task in tasks for part in mixtures(task)))
        for order, tasks in groups
    }


def _over_orders(frame: pd.DataFrame, stages: dict[str, tuple[str, ...]]) -> list[dict]:
    """Means over orders of the same stages, by line, seeds and measure."""
    frame = frame.assign(stages=frame["order"].map(lambda order: stages.get(order, (order,))))
    rows: list[dict] = []
    for _, line in frame.groupby([*ORDERLESS, "stages"], dropna=False, sort=False):
        orders = list(dict.fromkeys(line["order"]))
        parts: dict[tuple, list[dict]] = {}
        for row in line.to_dict("records"):
            row |= {name: None if pd.isna(row[name]) else int(row[name]) for name in SEEDS}
            parts.setdefault((*(row[name] for name in SEEDS), row["metric"]), []).append(row)
        rows += [_over(part, orders) for part in parts.values()]
    return rows


def _over(part: list[dict], orders: list[str]) -> dict:
    """One row of the rows of some orders; without a value if one of the orders is missing."""
    row = part[0] | {"order": ", ".join(orders)}
    had = {of_order["order"] for of_order in part}
    absent = [order for order in orders if order not in had]
    notes = [of_order["note"] for of_order in part if of_order["note"]]
    notes += [f"missing: order {order}" for order in absent]
    means = {end: float(np.mean([of_order[end] for of_order in part])) for end in ENDS}
    means = dict.fromkeys(ENDS, np.nan) if absent else means
    counts = {name: int(max(of_order[name] for of_order in part)) for name in ("n", "n_units")}
    return row | means | counts | {"note": "; ".join(dict.fromkeys(notes))}
