"""Mean score of an axis over the stages of a line, with its interval."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lethe.longtables.axes import NO_ABILITY, sorted_axes
from lethe.longtables.tables import RUN_COLUMNS
from lethe.metrics.axis_scores import axis_score, scores_of_sets
from lethe.metrics.over_seeds import interval_over_seeds
from lethe.metrics.row_intervals import MEAN_SCORE, share_range
from lethe.metrics.shown import LINE_COLUMNS, SEED_UNITS, Line

COLUMNS = ["axis", "stage_index", "stage_task", "value", "low", "high", "n", "n_units"]
COLUMNS += ["unit", "note"]
# The other columns would only be copied.
READ = ["run", "world_seed", "base_seed", "axis", "stage_index", "stage_task", "probe", "subset"]
READ += ["metric", "value", "low", "high", "n", "n_units", "unit"]


def axis_means(
    metrics: pd.DataFrame, line: Line, without: Sequence[str] = NO_ABILITY
) -> pd.DataFrame:
    """Rows of axis and stage_index, of one line: the mean over the axis' sets, as a fraction.

    A set with parts counts as its parts; of own tasks only those that a stage taught count, if any
    did. With several bases the value is the mean over bases and
    the interval is Student's t over them (at least three). With one run the interval is over items
    (`axis_score`). The columns are always COLUMNS, even for a line without such sets. without: axes
    that are left out.
    """
    rows = metrics[~metrics["axis"].isin(without) & ~metrics["unit"].isin(SEED_UNITS)]
    rows = rows[_of_line(rows, line)]
    rows = rows.assign(run=rows.groupby(RUN_COLUMNS, dropna=False).ngroup())[READ]
    scored = scores_of_sets(rows)
    mean_rows = []
    for axis in sorted_axes(scored["axis"]):
        of_axis = rows[rows["axis"] == axis]
        by_run = {run: part for run, part in of_axis.groupby("run")}
        for stage, cells in scored[scored["axis"] == axis].groupby("stage_index"):
            row = {"axis": axis, "stage_index": int(stage)}
            row["stage_task"] = cells["stage_task"].iloc[0]
            mean_rows.append(row | _mean(cells, by_run, int(stage)))
    return pd.DataFrame(mean_rows, columns=COLUMNS)


def without_unscored(metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows without those of stages after which nothing in their order was scored.

    Where a study scores the ends alone, the way between is no gap in its curves.
    """
    of_scores = metrics["metric"].str.startswith("score_") | (metrics["metric"] == MEAN_SCORE)
    places = [metrics["order"], metrics["stage_index"]]
    has_any = (of_scores & metrics["value"].notna()).groupby(places, dropna=False).transform("any")
    return metrics[~of_scores | has_any]


def _of_line(rows: pd.DataFrame, line: Line) -> pd.Series:
    same = pd.Series(True, index=rows.index)
    for column, value in zip(LINE_COLUMNS, line, strict=True):
        same &= rows[column] == value
    return same


def _mean(cells: pd.DataFrame, by_run: dict[int, pd.DataFrame], stage: int) -> dict:
    """Mean and interval of the cells of one axis and stage, in one or several runs.

    by_run: all rows of the axis.
    """
    runs = list(cells.groupby("run"))
    n = int(max(part["n"].sum() for _, part in runs))
    if len(runs) == 1:
        found = axis_score(by_run[runs[0][0]], stage)
        unit = "items" if found["unit"] == "none" else found["unit"]
        return _row(*(found[name] for name in ("value", "low", "high", "n", "n_units")), unit)
    bases: dict[tuple, list[float]] = {}
    own = []
    for run, part in runs:
        seeds = (part[name].iat[0] for name in ("world_seed", "base_seed"))
        base = tuple(-1 if pd.isna(seed) else seed for seed in seeds)
        found = axis_score(by_run[run], stage)
        bases.setdefault(base, []).append(found["value"])
        own.append((found["low"], found["high"]))
    if len(bases) == 1:
        values, unit = next(iter(bases.values())), "train seeds"
    else:
        values = [float(np.mean(of_base)) for of_base in bases.values()]
        unit = "world seeds" if len({base for _, base in bases}) == 1 else "base seeds"
    ends = interval_over_seeds(values, own, share_range(values))
    return _row(float(np.mean(values)), *ends, n, len(values), unit)


def _row(value, low, high, n: int, units: int, unit: str) -> dict:
    names = ("value", "low", "high", "n", "n_units", "unit")
    return dict(zip(names, (value, low, high, n, units, unit), strict=True)) | {"note": ""}
