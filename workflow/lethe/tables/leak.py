"""How much of each method's change lies in what it says it protects: the leak meter's table."""

import numpy as np
import pandas as pd

from lethe.longtables.tables import LongTables
from lethe.metrics.end_tasks import RUN
from lethe.metrics.intervals import t_interval
from lethe.metrics.shown import LINE_COLUMNS, lines
from lethe.tables.lines import words
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

SHARES = {"step": "leak.step", "stage": "leak.stage", "undirected": "leak.undirected"}
METERED = "leak.parameters"
PERCENT = 100
NOTHING_LEAKS, MUCH = 0.1, 0.9
"""In %, rounding; and a share of what an undirected change would leak."""
CAPTION = (
    "Share of a change that lies in what the method says it protects, in % of the change's norm: "
    "the part in the kept directions of the weights (osf) or of earlier adapters (olora), the "
    "change of the tenth of weights with the most Fisher information (ewc), the change times "
    "importance (das, whose mask allows a share of it) or times how far gates are closed (hat and "
    "its kin), and the change of rows of tokens without data (row-rule). step: of one step of the "
    "optimizer, mean of eight steps a stage; stage: of a whole stage's change; undirected: of a "
    "change drawn at random, what leaks without any protection; finding: what stage is beside "
    "undirected. Means over the stages that have something to protect, and runs [95 % t-interval "
    "over runs]. metered: numbers in the "
    "parameters looked at; norms are of these alone."
)


def build(tables: LongTables) -> Table:
    """A row per line with a method that protects something."""
    rows = tables.stages[tables.stages["measure"].str.startswith("leak.")]
    keys = list(rows[LINE_COLUMNS].itertuples(index=False, name=None))
    found = [
        {**words(line, rows), **leaks(rows[[key == line for key in keys]])}
        for line in (lines(rows) if len(rows) else [])
    ]
    nothing = "no method of the study says of a parameter that it protects it"
    decimals = dict.fromkeys(SHARES, 1) | {"metered": 0}
    return or_nothing(found, CAPTION, nothing, decimals)


def leaks(rows: pd.DataFrame) -> dict:
    """The columns of one line, from its rows of stages.csv. See CAPTION."""
    means = rows.groupby([*RUN, "measure"], dropna=False)["value"].mean()
    row: dict = {}
    for name, measure in SHARES.items():
        values = PERCENT * means.xs(measure, level="measure").to_numpy(dtype=float)
        low, high = t_interval(list(values), (0.0, PERCENT))
        row |= {name: float(np.mean(values)), f"{name}_low": low, f"{name}_high": high}
    row["finding"] = finding(row["stage"], row["undirected"])
    row["metered"] = float(rows.loc[rows["measure"] == METERED, "value"].mean())
    stages = rows[rows["measure"] == SHARES["stage"]]
    return row | {"stages": len(stages), "runs": len(stages.groupby(RUN, dropna=False))}


def finding(stage: float, undirected: float) -> str:
    """What the share of a stage means, in words; both in %."""
    if stage < NOTHING_LEAKS:
        return "nothing leaks"
    less = stage < MUCH * undirected
    return "less than undirected" if less else "no less than undirected"
