"""What a table's columns are in print, and how they are laid out in a text block of 6.5 inches."""

from dataclasses import dataclass, replace

from lethe.errors import one_line
from lethe.tables.heads import IDENTITIES, head
from lethe.tables.latex_text import width, wrapped
from lethe.tables.writing import Column, Table

TEXT_WIDTH = 6.5 * 72.27 - 6.0
"""Points; a little less than the block, for kerns and rules."""
SIZE, SMALL, SEPARATION = 8, 6, 3.0
NARROWEST_HEAD = 30.0
WIDEST_TEXTS = (110.0, 70.0, 45.0, 30.0)
"""Points of a cell of words: the first of these with which the columns fit."""
NOTE = "note"


@dataclass(frozen=True)
class Cell:
    """lines: the text, or a number. interval: small, beside or below it. mark: of a note."""

    lines: list[str]
    interval: str = ""
    is_bold: bool = False
    mark: str = ""

    def width(self, is_below: bool) -> float:
        """Width in points; is_below: the interval is below the value."""
        value = max(width(line, SIZE, self.is_bold) for line in self.lines) + width(
            self.mark, SMALL
        )
        if not self.interval:
            return value
        small = width(self.interval, SMALL)
        return max(value, small) if is_below else value + width(" ", SIZE) + small


@dataclass(frozen=True)
class Printed:
    """A column in print. is_key: it names the row, and is repeated in every part of the table."""

    head: str
    cells: list[Cell]
    is_number: bool
    is_key: bool

    def width(self, is_below: bool) -> float:
        """Width in points of its widest cell or word of its head."""
        return max([_head_width(self.head), *(cell.width(is_below) for cell in self.cells)])

    def has_interval(self) -> bool:
        """Whether any cell has one."""
        return any(cell.interval for cell in self.cells)


def without_shared(columns: list[Column]) -> tuple[list[str], list[Column]]:
    """What all rows share, as `head value`, and the columns in which they differ.

    Empty columns are left out. A single row, and a table of nothing else, stay as they are.
    """
    columns = [column for column in columns if any(column.texts())] or columns[:1]
    if len(columns[0].values) < 2:
        return [], columns
    alike = [
        column for column in columns if len(set(column.texts())) == 1 and not any(column.intervals)
    ]
    kept = [column for column in columns if column not in alike]
    if not kept:
        return [], columns
    return [f"{head(column.name)} {column.values[0]}" for column in alike], kept


def without_notes(columns: list[Column]) -> tuple[list[str], list[str], list[Column]]:
    """The mark of every row (a, b, ...), what the marks mean, and the other columns."""
    others = [column for column in columns if column.name != NOTE]
    notes = next((column.values for column in columns if column.name == NOTE), [])
    if not notes or not others:
        return [""] * len(columns[0].values), [], columns
    distinct = list(dict.fromkeys(note for note in notes if note))
    mark = {note: mark_of(place) for place, note in enumerate(distinct)} | {"": ""}
    return [mark[note] for note in notes], distinct, others


def mark_of(place: int) -> str:
    letters = chr(ord("a") + place % 26)
    return letters if place < 26 else mark_of(place // 26 - 1) + letters


def laid_out(
    columns: list[Column], table: Table, marks: list[str]
) -> tuple[bool, list[list[Printed]]]:
    """Whether intervals are below their values, and the parts that the columns are divided into.

    marks: of notes, for each row.
    """
    for widest in WIDEST_TEXTS:
        is_below, parts = _divided(_printed(columns, table, marks, widest))
        if all(_total(part, is_below) <= TEXT_WIDTH for part in parts):
            break
    return is_below, parts


def _printed(columns: list[Column], table: Table, marks: list[str], widest: float) -> list[Printed]:
    """Columns in print; the words and seeds before the first result name the row."""
    results = [
        place
        for place, column in enumerate(columns)
        if column.is_number and column.name not in IDENTITIES
    ]
    keys = results[0] if results else 1
    printed = [
        Printed(
            head(column.name),
            [
                _cell(column, row, (row, column.name) in table.bold, widest)
                for row in range(len(column.values))
            ],
            column.is_number,
            place < max(keys, 1),
        )
        for place, column in enumerate(columns)
    ]
    return [_with_marks(printed[0], marks), *printed[1:]] if any(marks) else printed


def _cell(column: Column, row: int, is_bold: bool, widest: float) -> Cell:
    value = column.values[row]
    if column.is_number:
        return Cell([one_line(value)], column.intervals[row], is_bold)
    return Cell(wrapped(value, SIZE, widest), column.intervals[row], is_bold)


def _with_marks(first: Printed, marks: list[str]) -> Printed:
    cells = zip(first.cells, marks, strict=True)
    return replace(first, cells=[replace(cell, mark=mark) for cell, mark in cells])


def _divided(columns: list[Printed]) -> tuple[bool, list[list[Printed]]]:
    """Whether intervals are below their values, and the parts that the columns are divided into."""
    if _total(columns, False) <= TEXT_WIDTH:
        return False, [columns]
    is_below = any(column.has_interval() for column in columns)
    keys = [column for column in columns if column.is_key]
    parts: list[list[Printed]] = [[*keys]]
    for column in columns[len(keys) :]:
        if len(parts[-1]) > len(keys) and _total([*parts[-1], column], is_below) > TEXT_WIDTH:
            parts.append([*keys])
        parts[-1].append(column)
    return is_below, parts


def _total(columns: list[Printed], is_below: bool) -> float:
    gaps = 2 * SEPARATION * (len(columns) - 1)
    return sum(column.width(is_below) for column in columns) + gaps


def height(columns: list[Printed], is_below: bool) -> int:
    """Lines of a part of the table, with its head and a gap."""
    rows = zip(*(column.cells for column in columns), strict=True)
    body = sum(max(len(cell.lines) for cell in row) + is_below for row in rows)
    return body + max(len(head_lines(column.head)) for column in columns) + 2


def head_lines(words: str) -> list[str]:
    """The lines of a head: as many words on each as its longest word leaves room for."""
    longest = max(width(word, SIZE) for word in words.split(" "))
    return wrapped(words, SIZE, min(max(longest, NARROWEST_HEAD), WIDEST_TEXTS[0]))


def _head_width(words: str) -> float:
    return max(width(line, SIZE) for line in head_lines(words))
