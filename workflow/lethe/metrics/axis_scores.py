"""Mean scores of axes as tables and figures read them from the metrics table, with intervals."""

import numpy as np
import pandas as pd

from lethe.metrics.intervals import mean_interval
from lethe.metrics.row_intervals import MEAN_SCORE

ENDS = ["value", "low", "high"]


def axis_score(rows: pd.DataFrame, stage: int) -> dict:
    """ENDS, n, n_units and unit of an axis' mean score after a stage.

    Older tables have no such row. There it is made from the sets, with `mean_of_rows`.

    Args:
        rows: all of one run and axis.
    """
    is_at_stage = (rows["stage_index"] == stage).to_numpy(dtype=bool, na_value=False)
    is_mean = is_at_stage & (rows["metric"] == MEAN_SCORE).to_numpy(dtype=bool)
    if is_mean.any():
        place = int(is_mean.argmax())
        return {name: rows[name].iat[place] for name in (*ENDS, "n", "n_units", "unit")}
    return mean_of_rows(scores_of_sets(rows[is_at_stage]), rows)


def mean_of_rows(parts: pd.DataFrame, whole: pd.DataFrame) -> dict:
    """ENDS, n, n_units and unit of the mean of some rows.

    Their intervals are taken as independent, unless they share clusters: then as dependent.

    Args:
        whole: as for `units_behind`.
    """
    units = units_behind(parts, whole)
    values, lows, highs = (parts[name].to_numpy(dtype=float) for name in ENDS)
    dependent = units < parts["n_units"].sum()
    low, high = mean_interval(values, lows, highs, dependent)
    clustered = (parts["unit"] == "item clusters").any()
    return {
        "value": float(parts["value"].mean(skipna=False)) if len(parts) else np.nan,
        "low": low,
        "high": high,
        "n": int(parts["n"].sum()),
        "n_units": units,
        "unit": "none" if np.isnan(low) else "item clusters" if clustered else "items",
    }


def units_behind(parts: pd.DataFrame, whole: pd.DataFrame) -> int:
    """How many units there are behind some rows; fewer than theirs together if they share clusters.

    A number over all of them tells, as it counts each cluster once.

    Args:
        whole: rows of the run, among them some over all sets of the parts.
    """
    units = int(parts["n_units"].sum())
    of_all = (whole["probe"] == "") & (whole["n"] == parts["n"].sum()) & (whole["n_units"] > 0)
    return min(units, *whole.loc[of_all, "n_units"]) if of_all.any() else units


def scores_of_sets(rows: pd.DataFrame) -> pd.DataFrame:
    """The score rows that an axis averages over."""
    return elements_of(rows[rows["metric"].str.startswith("score_")])


def mixed_words(rows: pd.DataFrame) -> str:
    """A sentence on axes whose sets have several metrics, and so several scales; else nothing.

    Args:
        rows: of the metrics table, of all axes that are shown.
    """
    scored = scores_of_sets(rows)
    names = scored["metric"].str.removeprefix("score_").groupby(scored["axis"]).unique()
    mixed = [f"{axis}: {', '.join(sorted(of))}" for axis, of in names.items() if len(of) > 1]
    if not mixed:
        return ""
    return (
        f" Sets of different metrics ({'; '.join(mixed)}) are averaged as they are, "
        "whatever their scales."
    )


def elements_of(scored: pd.DataFrame) -> pd.DataFrame:
    """Those of rows of scores that are counted: of sets, or of the parts of a set with parts."""
    divided = set(scored.loc[scored["subset"] != "", "probe"])
    return scored[(scored["subset"] != "") | ~scored["probe"].isin(divided)]
