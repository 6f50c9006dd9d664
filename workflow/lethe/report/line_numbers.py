"""Numbers of the lines of a study, one each, as headlines tell them."""

from dataclasses import dataclass, replace

import pandas as pd

from lethe.longtables.run import method_words
from lethe.metrics.shown import LINE_COLUMNS, Line, is_control, lines

Number = tuple[float, float, float]
"""A value and the ends of its interval."""


@dataclass(frozen=True)
class LineNumber:
    """A number of a line, and what its interval is over, in words.

    place: its model and order.
    """

    line: Line
    place: tuple[str, str]
    method: str
    recipe: str
    number: Number
    over: str


def line_numbers(rows: pd.DataFrame, scale: float = 100.0) -> list[LineNumber]:
    """The number of every line but controls. rows: as `shown` gives them, one a line."""
    found = []
    for line in lines(rows) if len(rows) else []:
        row = rows[[other == line for other in rows["line"]]].iloc[0]
        if is_control(line) or pd.isna(row["value"]):
            continue
        named = dict(zip(LINE_COLUMNS, line, strict=True))
        method = method_words(named["method"], named["parametrisation"])
        units = f"{row['n_units']} {row['unit']}" if row["n_units"] else ""
        over = "no interval" if pd.isna(row["low"]) or not units else f"interval over {units}"
        place = (named["model"], named["order"])
        found.append(LineNumber(line, place, method, named["recipe"], number_of(row, scale), over))
    return found


def told_apart(found: list[LineNumber]) -> list[LineNumber]:
    """Lines of a method with several recipes under names that tell them apart, but the first."""
    return [
        replace(one, method=f"{one.method}, {one.recipe}")
        if any(one.method == other.method for other in found[:place])
        else one
        for place, one in enumerate(found)
    ]


def first_place(every: list[LineNumber]) -> tuple[str, str] | None:
    """The first model and order with most methods; None if there is none."""
    methods: dict[tuple[str, str], set[str]] = {}
    for one in every:
        methods.setdefault(one.place, set()).add(one.method)
    return max(methods, key=lambda place: len(methods[place]), default=None)


def number_of(row: pd.Series, scale: float = 100.0) -> Number:
    """A row's value and interval, in points or what else `scale` makes of them."""
    value, low, high = (scale * float(row[name]) for name in ("value", "low", "high"))
    return value, low, high
