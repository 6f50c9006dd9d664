"""A table, and two of its forms: CSV with every number, Markdown for readers.

In a frame the columns x, x_low, x_high are a value and its 95 % interval; the readable forms show
them as one column, `x [low, high]`. LaTeX is in `latex.py`.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lethe.errors import one_line

MARKDOWN_SPECIAL = re.compile(
    r"""
    [|`*]               # the next cell, code, emphasis
    | (?<!\w) _ (?=\w)  # emphasis; not a word that has an underscore inside
    | ~ (?=~)           # struck out
    | < (?=[A-Za-z/!?]) # a tag of HTML
    | & (?=\#?\w+;)     # a character by its name
    | (?<=\]) \(        # an address behind a text in brackets
    | \\ (?=[!-/:-@\[-`{-~])  # a backslash that would escape what follows it
    """,
    re.VERBOSE,
)
"""What a cell of Markdown must not hold as it is, for a name is shown letter by letter."""
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""How a text begins that a spreadsheet would run as a formula."""
NOTHING = "This study has nothing of this kind."


@dataclass(frozen=True)
class Table:
    """Numbers, a caption, and the decimals of each column (2 by default).

    The other fields are for the readable forms. columns: those shown, in order; empty: all. bold:
    cells by row and column. is_symmetric: intervals that are symmetric about their values are shown
    as `x ± half`; those that are not, as where a range ends, stay `x [low, high]`. missing: text
    for a missing number. notes: sentences below.
    """

    frame: pd.DataFrame
    caption: str
    decimals: dict[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    bold: frozenset[tuple[int, str]] = frozenset()
    is_symmetric: bool = False
    missing: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column as text. values, intervals: a text per row; an interval may be empty."""

    name: str
    values: list[str]
    intervals: list[str]
    is_number: bool

    def texts(self) -> list[str]:
        """Each value with its interval beside it."""
        return [
            f"{value} {interval}" if interval else value
            for value, interval in zip(self.values, self.intervals, strict=True)
        ]


def shown_columns(table: Table) -> list[Column]:
    """The columns that a reader sees, rounded; ends of intervals are no columns of their own."""
    frame = table.frame
    wanted = [column for column in table.columns if column in frame.columns]
    found = []
    for name in wanted or frame.columns:
        if name.endswith(("_low", "_high")) and name.rpartition("_")[0] in frame.columns:
            continue
        decimals = table.decimals.get(name, 2)
        values = [_text(value, decimals) for value in frame[name]]
        intervals = [""] * len(values)
        if f"{name}_low" in frame.columns:
            ends = [frame[f"{name}{end}"] for end in ("", "_low", "_high")]
            half = table.is_symmetric
            intervals = [
                "" if not text or pd.isna(low) else _interval(value, low, high, decimals, half)
                for text, value, low, high in zip(values, *ends, strict=True)
            ]
        is_number = _is_number(frame[name])
        if is_number:
            values = [value or table.missing for value in values]
        found.append(Column(name, values, intervals, is_number))
    return found


def readable(table: Table) -> pd.DataFrame:
    """The table as text: rounded, intervals beside their values."""
    shown = {column.name: column.texts() for column in shown_columns(table)}
    return pd.DataFrame(shown, columns=list(shown), index=table.frame.index)


def markdown(table: Table) -> str:
    """A pipe table under its caption."""
    shown = readable(table)
    caption = one_line(table.caption)
    if not len(shown.columns):
        return f"{caption}\n\n{NOTHING}\n"
    rows = [[*shown.columns], *shown.to_numpy().tolist()]
    rows = [[markdown_text(field) for field in row] for row in rows]
    places = {column: place for place, column in enumerate(shown.columns)}
    for row, column in table.bold:
        if column in places:
            rows[row + 1][places[column]] = f"**{rows[row + 1][places[column]]}**"
    widths = [max(3, *(len(row[place]) for row in rows)) for place in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {markdown_text(note)}" for note in table.notes]
    below = ["", "Warnings:", "", *notes] if notes else []
    return f"{caption}\n\n" + "\n".join([*lines, *below]) + "\n"


def markdown_text(text: str) -> str:
    """Text on one line that Markdown shows letter by letter."""
    return MARKDOWN_SPECIAL.sub(r"\\\g<0>", one_line(text))


def csv_text(frame: pd.DataFrame) -> str:
    """A table for people as CSV, which a spreadsheet may open.

    A text that it would run as a formula gets an apostrophe before it; numbers stay numbers. The
    long tables, which are read again, are written as they are (`longtables/schema.py`).
    """
    texts = frame.select_dtypes(include=["object", "string"]).columns
    shown = frame.assign(**{name: frame[name].map(_spreadsheet_text) for name in texts})
    shown.columns = [_spreadsheet_text(name) for name in shown.columns]
    return shown.to_csv(index=False, lineterminator="\n")


def _spreadsheet_text(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = one_line(value)
    is_formula = text.lstrip().startswith(FORMULA) and not _is_written_number(text)
    return f"'{text}" if is_formula else text


def _is_written_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _text(value, decimals: int) -> str:
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, (float, np.floating)):
        return f"{value:z.{decimals}f}"
    return str(value)


def _interval(value: float, low: float, high: float, decimals: int, half: bool) -> str:
    """`± half` if that is asked for and says where both ends are, to the last digit shown."""
    uneven = abs((high - value) - (value - low)) / 2
    if half and uneven <= 0.5 * 10.0**-decimals:
        return f"± {(high - low) / 2:z.{decimals}f}"
    return f"[{low:z.{decimals}f}, {high:z.{decimals}f}]"
