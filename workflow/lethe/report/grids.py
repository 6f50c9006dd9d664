"""A table as a page shows it: what all rows share is said once, notes stand below."""

from collections.abc import Iterable
from dataclasses import dataclass

from lethe.tables.heads import head
from lethe.tables.latex import latex
from lethe.tables.latex_layout import without_notes, without_shared
from lethe.tables.writing import NOTHING, Table, csv_text, shown_columns

LONG = 40
"""Rows from which a table scrolls within the page."""


@dataclass(frozen=True)
class Cell:
    """value, and below it its interval; mark: the letter of a note."""

    value: str
    interval: str = ""
    is_bold: bool = False
    is_number: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """heads: (words, whether numbers are below). forms: the texts that a button copies, by name."""

    heads: list[tuple[str, bool]]
    rows: list[list[Cell]]
    shared: list[str]
    notes: list[tuple[str, str]]
    caption: str
    forms: dict[str, str]

    @property
    def is_long(self) -> bool:
        return len(self.rows) > LONG


def grid(table: Table, left_out: Iterable[str] = (), forms: bool = True) -> Grid:
    """The table without the columns `left_out`."""
    columns = [column for column in shown_columns(table) if column.name not in set(left_out)]
    copied = {"LaTeX": latex(table), "CSV": csv_text(table.frame)} if forms else {}
    if not columns or not len(table.frame):
        return Grid([], [], [], [], NOTHING, {})
    shared, columns = without_shared(columns)
    marks, notes, columns = without_notes(columns)
    rows = [
        [
            Cell(
                column.values[place],
                column.intervals[place],
                (place, column.name) in table.bold,
                column.is_number,
                marks[place] if number == 0 else "",
            )
            for number, column in enumerate(columns)
        ]
        for place in range(len(table.frame))
    ]
    heads = [(head(column.name), column.is_number) for column in columns]
    letters = dict.fromkeys(mark for mark in marks if mark)
    return Grid(heads, rows, shared, list(zip(letters, notes, strict=True)), table.caption, copied)
