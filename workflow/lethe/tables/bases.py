"""The base models before any stage: is each set above chance and below ceiling?"""

import numpy as np
import pandas as pd

from lethe.longtables.axes import sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.general import place_of_base
from lethe.metrics.shown import INTERVAL, SEED_UNITS
from lethe.tables.writing import Table

CAPTION = (
    "Base models, test split, scores as fractions. at floor: not above "
    "chance by more than two standard errors, so that nothing can be seen to be forgotten; at "
    "ceiling: within two standard errors of 1 and at least 0.9, so that small losses stay hidden. "
    f"{INTERVAL}"
)
BASE = ["model", "params", "world_seed", "base_seed"]


def build(tables: LongTables) -> Table:
    """A row per base and set; parts of a set are left out."""
    metrics = tables.metrics
    rows = metrics[
        metrics["metric"].str.startswith("score_")
        & (metrics["stage_index"] == 0)
        & (metrics["subset"] == "")
        & ~metrics["unit"].isin(SEED_UNITS)
    ].drop_duplicates([*BASE, "probe"])
    rank = {axis: place for place, axis in enumerate(sorted_axes(rows["axis"]))}
    rows = rows.assign(rank=rows["axis"].map(rank)).sort_values(
        ["params", "model", "world_seed", "base_seed", "rank", "probe"]
    )
    chance, stderr = _of_scores(tables.scores)
    base_rows = []
    for row in rows.to_dict("records"):
        name = row["metric"].removeprefix("score_")
        level, error = chance.get(row["probe"], np.nan), stderr.get(_key(row, name), np.nan)
        base_rows.append(
            {column: row[column] for column in [*BASE, "axis", "probe"]}
            | {"metric": name, "score": row["value"]}
            | {"score_low": row["low"], "score_high": row["high"], "chance": level}
            | {"items": row["n"], "at": place_of_base(row["value"], level, error)}
        )
    return Table(pd.DataFrame(base_rows), CAPTION)


def _of_scores(scores: pd.DataFrame) -> tuple[dict, dict]:
    """Chance level by set, and standard error by base, set and metric."""
    base = scores[(scores["stage_index"] == 0) & (scores["subset"] == "")]
    base = base[base["split"] == "test"]
    chance = base.groupby("probe")["chance"].max().to_dict()
    return chance, {_key(row, row["metric"]): row["stderr"] for row in base.to_dict("records")}


def _key(row: dict, metric: str) -> tuple:
    seeds = [None if pd.isna(row[name]) else int(row[name]) for name in BASE[2:]]
    return (row["model"], *seeds, row["probe"], metric)
