"""Perplexity on held-out texts before the first stage and after the last one."""

import numpy as np
import pandas as pd

from lethe.longtables.metric_ids import TEXT_LOSS
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import INTERVAL, lines, shown
from lethe.tables.lines import behind, number, of_line, words
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

RISEN = f"{TEXT_LOSS}_risen"
ALL = "all"
CAPTION = (
    "Held-out texts (sets of `texts` that are no domain's): perplexity by token, exp of the mean "
    "loss over predicted tokens, before the first stage (base) and after the last one (final). "
    "loss, risen: final - base in nats a token, positive = the texts are read worse than before; "
    f"{ALL}: its mean over the sets. {INTERVAL}"
)


def build(tables: LongTables) -> Table:
    """A row per line and set of texts, and one over a line's sets if it has several."""
    rows = shown(tables.texts)
    found = []
    for line in lines(rows) if len(rows) else []:
        of_one = of_line(rows, line)
        for axis in of_one["axis"].unique():
            part = of_one[of_one["axis"] == axis]
            sets = sorted(set(part["probe"]) - {""})
            for probe in [*sets, *[""] * (len(sets) > 1)]:
                found.append({**words(line, rows), **_row(part[part["probe"] == probe], probe)})
    return or_nothing(found, CAPTION, "no held-out texts were read before and after training",
                      {"perplexity_base": 1, "perplexity_final": 1, "loss_risen": 3})  # fmt: skip


def _row(cells: pd.DataFrame, probe: str) -> dict:
    ends = {f"perplexity_{part}": f"{TEXT_LOSS}_{part}" for part in ("base", "final")}
    row: dict = {"set": probe or ALL}
    for name, metric in ends.items() if probe else ():
        row |= {key: float(np.exp(value)) for key, value in number(cells, name, metric).items()}
    row |= number(cells, "loss_risen", RISEN)
    return row | behind(cells[cells["metric"] == RISEN])
