"""Table 4 of Luo et al. 2023: R_o, R_-1 and FG by axis and model, in percent as printed there."""

from lethe.longtables.axes import BIAS
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import shown
from lethe.metrics.subjects import study_subjects
from lethe.tables.lines import of_line
from lethe.tables.paper import (
    CAPTION_ENDS,
    PERCENT,
    ability_scales,
    axes_of,
    behind_drop,
    ends_and_drop,
    or_nothing,
    words_of,
)
from lethe.tables.writing import Table

CAPTION = (
    "General ability before and after the sequence (Luo et al. 2023, Table 4), %. R_o, R_-1: mean "
    f"score over the axis' sets before the first and after the last stage. {CAPTION_ENDS} "
    "Control orders are continued training on general data."
)


def build(tables: LongTables) -> Table:
    """A row per model, method and order, three numbers per axis; bias has its own table."""
    rows = shown(tables.metrics)
    axes = [axis for axis in axes_of(rows) if axis != BIAS]
    ability_rows = []
    for subject in study_subjects(tables, controls=True, every=True):
        if not len(of_line(rows, subject.line)):
            continue  # a masked language model, which has only end tasks
        row = words_of(subject, rows)
        for axis in axes:
            row |= ends_and_drop(subject, rows, axis, f"{axis}_")
        ability_rows.append(row | behind_drop(subject, rows, axes))
    ability_rows.sort(key=lambda row: (row["order"].startswith("control:"), row["params"] or 0))
    names = [f"{axis}_{name}" for axis in axes for name in PERCENT]
    return or_nothing(
        ability_rows,
        f"{CAPTION}{ability_scales(rows)}",
        "no general ability was measured",
        dict.fromkeys(names, 1),
    )
