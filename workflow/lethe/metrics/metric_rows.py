"""Rows of the metrics table: a number, where it belongs, its interval and notes on it."""

from dataclasses import dataclass

import numpy as np

from lethe.metrics.cells import Cells
from lethe.metrics.row_intervals import (
    WITHIN,
    Statistic,
    interval_notes,
    metric_range,
    row_interval,
)


@dataclass(frozen=True)
class Place:
    """Where a number belongs: an axis, and possibly one set, subset and stage."""

    axis: str
    probe: str = ""
    subset: str = ""
    stage_index: int | None = None
    stage_task: str = ""


def metric_row(
    place: Place,
    name: str,
    value: float,
    cells: Cells,
    columns: list[int],
    note: str,
    function: Statistic | None = None,
) -> dict:
    """A row with the interval of a statistic of the columns' scores; without it none.

    Beside the table's columns it has WITHIN, which means over seeds need. Columns that do not enter
    the statistic, as that of the last task in what is forgotten of the old ones, do not count.
    """
    low = high = np.nan
    if not np.isnan(value) and function is not None:
        columns, function = _that_enter(cells, columns, function)
    unit, units = cells.unit(columns)
    notes = [note] if note else []
    if not np.isnan(value) and function is not None:
        low, high = row_interval(name, value, cells, columns, function)
        found = [*interval_notes(low, cells, columns), *cells.notes(columns)]
        notes += [text for text in found if text not in notes]
    if np.isnan(low):
        unit, units = "none", 0
    return {
        **place.__dict__,
        "metric": name,
        "value": value,
        "low": low,
        "high": high,
        "n": cells.items(columns),
        "n_units": units,
        "unit": unit,
        "note": "; ".join(notes),
        WITHIN: metric_range(name, bool(cells.are_shares[columns].all())),
    }


def _that_enter(
    cells: Cells, columns: list[int], function: Statistic
) -> tuple[list[int], Statistic]:
    """The columns that a statistic depends on, and the same statistic of these alone.

    It depends on a column if it has no value where this has none.
    """
    values = cells.values[:, columns]
    width = np.arange(len(columns))
    used = np.array([np.isnan(function(np.where(width == n, np.nan, values))) for n in width])
    if used.all() or not used.any():
        return columns, function

    def of_used(scores: np.ndarray) -> np.ndarray:
        full = np.zeros((*scores.shape[:-1], len(columns)))
        full[..., used] = scores
        return function(full)

    return [column for column, is_used in zip(columns, used, strict=True) if is_used], of_used
