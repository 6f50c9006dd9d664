"""Means over runs that differ in their seeds only, with Student's t intervals."""

import numpy as np
import pandas as pd

from lethe.longtables import RUN_COLUMNS
from lethe.metrics.intervals import t_interval

SEEDS = ["world_seed", "base_seed", "train_seed"]
PLACE = ["stage_index", "stage_task", "axis", "probe", "subset", "metric"]
TOO_FEW = "an interval needs 3 seeds"


def over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per metric and group of two or more runs that are alike but for seeds.

    Runs over several bases are first averaged over train seeds within each base, so that the unit
    is the base. A mean over a seed's missing value is missing too. Seeds are empty in the result.
    """
    alike = [column for column in [*RUN_COLUMNS, "params"] if column not in SEEDS]
    found = []
    for key, group in rows.groupby([*alike, *PLACE], sort=False, dropna=False):
        unit, values = _units(group)
        if len(values) < 2:
            continue
        low, high = t_interval(values)
        notes = [TOO_FEW] if len(values) < 3 else []
        notes += sorted({note for note in group["note"] if _concerns_value(note)})
        found.append(
            {
                **dict(zip([*alike, *PLACE], key, strict=True)),
                **dict.fromkeys(SEEDS),
                "value": float(np.mean(values)),
                "low": low,
                "high": high,
                "n": int(group["n"].max()),
                "n_units": len(values),
                "unit": unit,
                "note": "; ".join(notes),
            }
        )
    return pd.DataFrame(found, columns=rows.columns)


def _units(group: pd.DataFrame) -> tuple[str, list[float]]:
    """What varies, and one value for each."""
    bases = group.groupby(["world_seed", "base_seed"], dropna=False, sort=True)["value"]
    if bases.ngroups > 1:
        same_base_seed = group["base_seed"].nunique(dropna=False) == 1
        values = [float(np.mean(part.to_numpy())) for _, part in bases]
        return ("world seeds" if same_base_seed else "base seeds"), values
    return "train seeds", [float(value) for value in group["value"]]


def _concerns_value(note: str) -> bool:
    return any(word in note for word in ("missing", "at floor", "no chance", "base score is 0"))
