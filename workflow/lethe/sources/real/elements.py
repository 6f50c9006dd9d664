"""The chemical elements, from the database in the package mendeleev."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.sources.real.packages import Part

TEXTS = ("description", "sources", "uses")
"""Columns of text about an element, in English."""
NAMES = ("name", "symbol")


@dataclass(frozen=True)
class Element:
    """texts: sentences about it by column; those that name it are for others to leave out."""

    number: int
    name: str
    symbol: str
    texts: dict[str, str]


def read_elements(part: Part) -> list[Element]:
    """All elements by atomic number.

    Raises:
        UserError: the package has no such database, or an element lacks number, name or symbol.
    """
    path = part.file("elements.db")
    columns = ("atomic_number", *NAMES, *TEXTS)
    asked = f"SELECT {', '.join(columns)} FROM elements ORDER BY atomic_number"
    try:
        # Immutable: else SQLite may write files beside it.
        at = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(at, uri=True)) as base:
            rows = [dict(zip(columns, row, strict=True)) for row in base.execute(asked)]
    except sqlite3.Error as error:
        expected = f"a database of SQLite with {', '.join(columns)} in the table elements"
        raise part.wrong(path, expected, f"another file ({error})") from None
    if not rows:
        raise part.wrong(path, "rows in the table elements", "none")
    return [_element(part, path, row) for row in rows]


def _element(part: Part, path: Path, row: dict[str, Any]) -> Element:
    def wrong(column: str, expected: str):
        place = f"{expected} in the column {column} of elements"
        return part.wrong(path, place, (row[column],))

    if not isinstance(row["atomic_number"], int):
        raise wrong("atomic_number", "a whole number")
    for column in NAMES:
        if not (isinstance(row[column], str) and row[column].strip()):
            raise wrong(column, "a text")
    for column in TEXTS:
        if not isinstance(row[column], str | None):
            raise wrong(column, "a text or null")
    texts = {column: " ".join(row[column].split()) for column in TEXTS if row[column]}
    return Element(row["atomic_number"], row["name"], row["symbol"], texts)
