"""Can the probabilities of the choices still be believed after training?

A model may keep its accuracy and lose what its probabilities meant: coverage falls further than
accuracy does (2604.23987).
"""

import numpy as np
import pandas as pd

from lethe.longtables.axes import sorted_axes
from lethe.longtables.calibration_columns import (
    BRIER,
    BY_CHANCE,
    CHANGE,
    COVERAGE,
    ECE,
    OVERCONFIDENCE,
)
from lethe.longtables.tables import LongTables
from lethe.metrics.probabilities import BINS, MISSED
from lethe.metrics.shown import INTERVAL, lines, shown
from lethe.tables.lines import behind, number, of_line, words
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

MEASURES = (ECE, BRIER, COVERAGE, OVERCONFIDENCE)
SHOWN = [f"{name}_{end}" for name in (ECE, COVERAGE) for end in ("base", "final", "change")]
CAPTION = (
    "Calibration of multiple-choice answers before the first stage (base) and after the last "
    f"(final), means over an axis' sets. ece: expected calibration error, {BINS} bins of one width "
    f"(ece_if_calibrated: what chance alone gives). coverage: share of right answers in conformal "
    f"sets that hold {1 - MISSED:.0%} at the base. brier: sum over choices of (p - y)^2, 0 to 2. "
    "change: final less base; probabilities are softmax over the choices' log-probabilities. "
    f"{INTERVAL}"
)


def build(tables: LongTables) -> Table:
    """A row per line and axis; Brier score and overconfidence in full are in the CSV."""
    rows = tables.calibration
    if not len(rows):
        return or_nothing([], CAPTION, "no set has choices with log-probabilities")
    of_axes = shown(rows[rows["probe"] == ""])
    table_rows = []
    for line in lines(rows):
        part = of_line(of_axes, line)
        for axis in sorted_axes(part["axis"]):
            cells = part[part["axis"] == axis]
            table_rows.append({**words(line, rows), "axis": axis, **_of_axis(cells)})
    names = ["model", "method", "order", "axis", *SHOWN, f"{BRIER}_change", "interval_over", "note"]
    decimals = {name: 3 for name in table_rows[0] if name.startswith(MEASURES)}
    return Table(pd.DataFrame(table_rows), CAPTION, decimals, columns=tuple(names))


def _of_axis(cells: pd.DataFrame) -> dict:
    """Every measure of one line and axis at the base and the last stage, and its change."""
    last = cells["stage_index"].max()
    final = cells[cells["stage_index"] == last]
    row: dict = {}
    for name in MEASURES:
        row[f"{name}_base"] = _value(cells, name, 0)
        row[f"{name}_final"] = _value(cells, name, last)
        row |= number(final, f"{name}_change", f"{name}{CHANGE}")
        if name == ECE:
            row[BY_CHANCE] = _value(cells, BY_CHANCE, last)
    return row | behind(final)


def _value(cells: pd.DataFrame, metric: str, stage: int) -> float:
    found = cells[(cells["metric"] == metric) & (cells["stage_index"] == stage)]
    return float(found["value"].iloc[0]) if len(found) else np.nan
