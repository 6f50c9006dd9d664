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
    at_stage = rows[rows["stage_index"] == stage]
    found = at_stage[at_stage["metric"] == MEAN_SCORE]
    if len(found):
        return found.iloc[0][[*ENDS, "n", "n_units", "unit"]].to_dict()
    return mean_of_rows(elements_of(at_stage), rows)


def mean_of_rows(parts: pd.DataFrame, whole: pd.DataFrame) -> dict:
    """ENDS, n, n_units and unit of the mean of some rows.

    Their intervals are taken as independent, unless a number over all of them tells that they share
    clusters, as it counts each once: then as dependent.

    Args:
        whole: rows of the run, among them some over all sets of the parts.
    """
    n, units = int(parts["n"].sum()), int(parts["n_units"].sum())
    over = whole[(whole["probe"] == "") & (whole["n"] == n) & (whole["n_units"] > 0)]
    together = int(over["n_units"].min()) if len(over) else units
    values, lows, highs = (parts[name].to_numpy(dtype=float) for name in ENDS)
    low, high = mean_interval(values, lows, highs, dependent=together < units)
    clustered = (parts["unit"] == "item clusters").any()
    return {
        "value": float(parts["value"].mean(skipna=False)) if len(parts) else np.nan,
        "low": low,
        "high": high,
        "n": n,
        "n_units": min(together, units),
        "unit": "none" if np.isnan(low) else "item clusters" if clustered else "items",
    }


def elements_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The score rows that an axis averages over: sets, or the parts of a set with parts."""
    scored = rows[rows["metric"].str.startswith("score_")]
    divided = set(scored.loc[scored["subset"] != "", "probe"])
    return scored[(scored["subset"] != "") | ~scored["probe"].isin(divided)]
