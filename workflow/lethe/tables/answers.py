"""Was knowledge lost, or only the format of answers? Numbers that complement accuracy.

If a model's share of the commonest answer rises while its margin does not fall, it has changed how
it answers rather than what it knows.
"""

import numpy as np
import pandas as pd

from lethe.longtables.axes import sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import LINE_COLUMNS, lines
from lethe.tables.lines import words
from lethe.tables.writing import Table

METRICS = ["acc", "gold_logprob", "margin", "modal_share"]
CAPTION = (
    "Beside accuracy, before the first stage (base) and after the last (final): mean "
    "log-probability of the right answer and its margin over the best wrong one, in nats, and the "
    "share of the commonest answer. Means over seeds; standard errors over items are in scores.csv."
)


def build(tables: LongTables) -> Table:
    """A row per line and multiple-choice set."""
    scores = tables.scores
    scores = scores[scores["metric"].isin(METRICS) & (scores["subset"] == "")]
    scores = scores[scores["split"] == "test"]
    keys = list(scores[LINE_COLUMNS].itertuples(index=False, name=None))
    rank = {axis: place for place, axis in enumerate(sorted_axes(scores["axis"]))}
    rows = []
    for line in lines(scores):
        line_scores = scores[[key == line for key in keys]]
        last = line_scores["stage_index"].max()
        for (_, probe), cells in line_scores.groupby([line_scores["axis"].map(rank), "probe"]):
            row = {**words(line, scores), "axis": cells["axis"].iloc[0], "probe": probe}
            for metric in METRICS:
                for name, stage in {"base": 0, "final": last}.items():
                    row[f"{metric}_{name}"] = _mean(cells, metric, stage)
            rows.append(row)
    return Table(pd.DataFrame(rows), CAPTION)


def _mean(cells: pd.DataFrame, metric: str, stage: int) -> float:
    values = cells[(cells["metric"] == metric) & (cells["stage_index"] == stage)]["value"]
    return float(values.mean()) if len(values) else np.nan
