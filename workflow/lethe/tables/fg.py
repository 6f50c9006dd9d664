"""Forgetting of general ability by axis and line, with the scores it is computed from."""

import pandas as pd

from lethe.longtables.axes import NO_ABILITY, sorted_axes
from lethe.longtables.tables import LongTables
from lethe.metrics.axis_scores import scores_of_sets
from lethe.metrics.shown import INTERVAL, lines, shown
from lethe.tables.lines import behind, number, of_line, words
from lethe.tables.paper import ability_scales
from lethe.tables.writing import Table

METRICS = ["fg_luo", "fg_chance", "fg_last", "drop_points"]
CAPTION = (
    "Forgetting of general ability. base and final: mean score over the axis' sets (for bias, over "
    "its types) before the first and after the last stage, as fractions. fg_luo: drop relative to "
    "the base, mean over stages and sets, % (Luo et al. 2023). fg_chance: the same relative to "
    "what the base has above chance. fg_last: after the last stage only. drop_points: absolute "
    "drop after the last stage, points. Positive = drop; for bias less stereotype preference. "
    f"{INTERVAL}"
)


def build(tables: LongTables) -> Table:
    """A row per axis and line."""
    rows = shown(tables.metrics)
    fg_rows = []
    for axis in sorted_axes(rows["axis"]):
        part = rows[rows["axis"] == axis]
        if axis in NO_ABILITY:
            continue
        for line in lines(part):
            line_rows = of_line(part, line)
            over_axis = line_rows[(line_rows["probe"] == "") & line_rows["metric"].isin(METRICS)]
            row = {"axis": axis, **words(line, rows), **_base_and_final(line_rows)}
            for metric in METRICS:
                row |= number(over_axis, metric, metric)
            fg_rows.append(row | behind(over_axis))
    caption = f"{CAPTION}{ability_scales(rows)}"
    return Table(pd.DataFrame(fg_rows), caption, dict.fromkeys(METRICS, 1))


def _base_and_final(rows: pd.DataFrame) -> dict[str, float]:
    """Mean over sets, or over the parts of a set with parts; missing if a cell is missing."""
    elements = scores_of_sets(rows)
    last = elements["stage_index"].max()
    ends = {"base": 0, "final": last}
    return {
        name: elements.loc[elements["stage_index"] == stage, "value"].mean(skipna=False)
        for name, stage in ends.items()
    }
