"""The scale of a user's scores, shares of 1 or percent: found where it is plain, or asked for."""

import numpy as np

from lethe.errors import UserError
from lethe.metrics.matrix_files import Table

SHARES, PERCENT, OTHER = "shares", "percent", "other"
SCALES = (SHARES, PERCENT, OTHER)
TOP = {SHARES: 1.0, PERCENT: 100.0}


def scale_of(tables: list[Table], given: str | None = None) -> str:
    """The one scale of tables that are compared with each other.

    Shares lie between 0 and 1. Percent are 0, or above 1 and up to 100, for a value below 1 beside
    a larger one may be either.

    Raises:
        UserError: values are in two scales, or out of the given one.
    """
    cells = [cell for table in tables for cell in _cells(table)]
    scale = given or _plain(cells)
    if scale != OTHER:
        for value, where in cells:
            if not 0 <= value <= TOP[scale]:
                raise UserError(
                    f"{where}: expected a score from 0 to {TOP[scale]:g} ({scale}), found "
                    f"{value:g}; for scores that are neither shares nor percent say `--scale other`"
                )
    if given == PERCENT and cells and max(cells)[0] <= 1 and max(cells)[0] > 0:
        raise UserError(
            f"{max(cells)[1]}: no score is above 1, so these are hardly percent; leave out "
            "`--scale percent`, or write percent"
        )
    return scale


def as_shares(values: np.ndarray, scale: str) -> np.ndarray:
    """Percent as shares; other values as they are."""
    return values / 100 if scale == PERCENT else values


def _plain(cells: list[tuple[float, str]]) -> str:
    small = [cell for cell in cells if 0 < cell[0] <= 1]
    large = [cell for cell in cells if cell[0] > 1]
    if small and large:
        (low, here), (high, there) = small[0], large[0]
        raise UserError(
            f"{here}: {low:g} beside {high:g} ({there}): expected one scale; write all scores as "
            "shares or all in percent, or say `--scale percent` or `--scale other`"
        )
    return PERCENT if large else SHARES


def _cells(table: Table) -> list[tuple[float, str]]:
    """Every value with the words for its place; empty cells are left out."""
    return [
        (float(table.values[row, column]), f"{table.path}, row {label!r}, column {name!r}")
        for row, label in enumerate(table.labels)
        for column, name in enumerate(table.columns)
        if not np.isnan(table.values[row, column])
    ]
