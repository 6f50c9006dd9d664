"""What tables share: a line's columns, and its values in the metrics table."""

import numpy as np
import pandas as pd

from lethe.longtables.run import method_words
from lethe.metrics.shown import LINE_COLUMNS, Line, lines

NUMBERS = ["value", "low", "high"]


def words(line: Line, rows: pd.DataFrame) -> dict[str, str]:
    """Model, method and order of a line; hyper-parameters and recipe if lines differ in them.

    Also the parametrisation, if not all weights are trained.
    """
    named = dict(zip(LINE_COLUMNS, line, strict=True))
    named_lines = [dict(zip(LINE_COLUMNS, other, strict=True)) for other in lines(rows)]
    always = ["model", "method", "order"]
    differing = [
        column
        for column in ("method_params", "recipe")
        if len({other[column] for other in named_lines if other["method"] == named["method"]}) > 1
    ]
    more = [named[column] for column in differing]
    columns = {column: named[column] for column in always}
    return columns | {"method": method_words(named["method"], named["parametrisation"], *more)}


def number(rows: pd.DataFrame, name: str, metric: str) -> dict[str, float]:
    """{name, name_low, name_high} of a metric in the rows of one line and place; nan if absent."""
    cells = rows[rows["metric"] == metric]
    values = cells[NUMBERS].iloc[0].astype(float) if len(cells) else [np.nan] * len(NUMBERS)
    return dict(zip([name, f"{name}_low", f"{name}_high"], values, strict=True))


def behind(rows: pd.DataFrame) -> dict:
    """The number of items, and what the intervals are over: `3 base seeds`, `120 items`."""
    if not len(rows):
        return {"items": None, "interval_over": "", "note": ""}
    valued = rows[rows["low"].notna()]
    first = (valued if len(valued) else rows).iloc[0]
    notes = list(dict.fromkeys(note for note in rows["note"] if note))
    over = f"{first['n_units']} {first['unit']}" if first["n_units"] else ""
    return {"items": int(rows["n"].max()), "interval_over": over, "note": "; ".join(notes)}


def of_line(rows: pd.DataFrame, line: Line) -> pd.DataFrame:
    """The rows of one line."""
    return rows[[other == line for other in rows["line"]]]
