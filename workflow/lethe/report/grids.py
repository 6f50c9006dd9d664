"""A table as a page shows it: what all rows share is said once, notes stand below."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from lethe.report.tiles import minus
from lethe.tables.heads import head
from lethe.tables.latex import latex
from lethe.tables.latex_layout import NOTE, without_notes, without_shared
from lethe.tables.methods import OF_ROW
from lethe.tables.writing import NOTHING, Column, Table, csv_text, shown_columns

LONG = 40
"""Rows from which a table scrolls within the page."""
SHORT = ("acc", "la", "aia")
"""Columns of one word whose name in print is another."""
NAMES = ("model", "method", "parametrisation")
BELOW = ("order", "recipe", "recipes", "axis", "rates")
"""Columns that name a row, which share its first cell: those of one line, and those below it."""


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


def grid(table: Table, left_out: Collection[str] = (), forms: bool = True) -> Grid:
    """The table without the columns `left_out`; forms: whether it can be copied."""
    columns = [
        _of_shown(column, left_out, {*table.frame.columns}) if column.name == NOTE else column
        for column in shown_columns(table)
        if column.name not in left_out
    ]
    copied = {"LaTeX": latex(table), "CSV": csv_text(table.frame)} if forms else {}
    if not columns or not len(table.frame):
        return Grid([], [], [], [], NOTHING, {})
    shared, columns = without_shared(columns)
    marks, notes, columns = without_notes(columns)
    columns = _with_one_name(columns)
    rows = [
        [
            Cell(
                _shown(column.values[place]) if column.is_number else column.values[place],
                _shown(column.intervals[place]) if column.is_number else column.intervals[place],
                (place, column.name) in table.bold,
                column.is_number,
                marks[place] if number == 0 else "",
            )
            for number, column in enumerate(columns)
        ]
        for place in range(len(table.frame))
    ]
    heads = [(_head(column), column.is_number) for column in columns]
    letters = dict.fromkeys(mark for mark in marks if mark)
    said = [_with_heads(note, table) for note in notes]
    caption = _with_heads(table.caption, table)
    shared = [words for words in shared if not words.endswith(f" {table.missing or None}")]
    shared = [minus(_with_heads(words, table)) for words in shared]
    return Grid(heads, rows, shared, list(zip(letters, said, strict=True)), caption, copied)


def _of_shown(notes: Column, left_out: Collection[str], columns: set[str]) -> Column:
    """The notes without what they say of columns that are not there: `aia, fwt_gem: why`."""

    def shown(note: str) -> str:
        parts: list[str] = []
        goes = False
        for said in note.split("; "):
            named, colon, why = said.partition(": ")
            names = named.split(", ")
            if colon and set(names) <= columns:
                seen = [name for name in names if name not in left_out]
                goes, said = not seen, f"{', '.join(seen)}: {why}"
            elif said in OF_ROW:
                goes = False
            # Else it goes on with the reason before it.
            parts += [] if goes else [said]
        return "; ".join(parts)

    return replace(notes, values=[shown(note) for note in notes.values])


def _with_one_name(columns: list[Column]) -> list[Column]:
    """The columns that name a row as one, so that a narrow screen has room for numbers."""
    found = {column.name: column for column in columns}
    names = [found[name] for name in NAMES if name in found]
    below = [found[name] for name in BELOW if name in found]
    if len(names) + len(below) < 2 or columns[0].name not in (*NAMES, *BELOW):
        return columns
    names, below = (names, below) if names else (below[:1], below[1:])
    texts = (
        [", ".join(filter(None, row)) for row in zip(*(c.values for c in part), strict=True)]
        or [""] * len(columns[0].values)
        for part in (names, below)
    )
    merged = Column(", ".join(head(column.name) for column in names), *texts, is_number=False)
    return [merged, *(column for column in columns if column not in (*names, *below))]


def _head(column: Column) -> str:
    """Its name for a reader; that of several columns is one already."""
    return column.name if ", " in column.name else head(column.name)


def _shown(number: str) -> str:
    """A number with real minus signs and its thousands apart; a dash in place of a missing one."""
    if number.isdecimal() and len(number) > 4:
        return f"{int(number):,}"
    return "–" if number == "-" else number.replace("-", "−")


def _with_heads(text: str, table: Table) -> str:
    """A caption or note with columns named as in the head of the table."""
    names = [name for name in table.frame.columns if "_" in name or name in SHORT]
    pattern = rf"\b({'|'.join(map(re.escape, names))})\b"
    return re.sub(pattern, lambda found: head(found[1]), text) if names else text
