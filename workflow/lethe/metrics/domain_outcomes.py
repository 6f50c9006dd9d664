"""Outcomes of domains by run: end tasks' F1, cloze, and loss, of every line of a study."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import run_key
from lethe.metrics.shown import LINE_COLUMNS

PARTS = ("base", "own", "final", "forgotten")


@dataclass(frozen=True)
class Outcome:
    """One run's mean of an outcome over its domains; points for f1 and cloze, nats for loss."""

    line: tuple
    seeds: tuple
    value: float


def outcomes(scores: pd.DataFrame, outcome: str, part: str) -> list[Outcome]:
    """A stand-in for cloze and loss."""
    metrics = {"cloze": ["cloze"], "loss": ["mlm_loss", "lm_loss"]}[outcome]
    rows = scores[scores["metric"].isin(metrics) & (scores["split"] == "test")]
    rows = rows[rows["axis"] == "domain"]
    found = []
    for _, run in rows.groupby(RUN_COLUMNS, dropna=False, sort=False):
        words = dict(zip(RUN_COLUMNS, run_key(run.iloc[0]), strict=True))
        last = run["stage_index"].max()
        values = []
        for probe, cells in run.groupby("probe"):
            domain = str(probe).partition("_")[2]
            at = cells.set_index("stage_index")["value"].astype(float)
            own = [
                stage
                for stage, task in zip(cells["stage_index"], cells["stage_task"], strict=True)
                if domain in [one.partition(":")[0] for one in str(task).split("&")]
            ]
            start = min(own) if own else None
            right = at[start] if own else np.nan
            sign = -1 if outcome == "loss" else 1
            forgotten = sign * (right - at[last]) if own and start < last else np.nan
            every = {"base": at.get(0, np.nan), "own": right, "final": at[last]}
            values.append((every | {"forgotten": forgotten})[part])
        mean = pd.Series(values, dtype=float).mean()
        if not np.isnan(mean):
            scale = 1 if outcome == "loss" else 100
            seeds = tuple(words[name] for name in ("world_seed", "base_seed", "train_seed"))
            found.append(Outcome(tuple(words[name] for name in LINE_COLUMNS), seeds, scale * mean))
    return found
