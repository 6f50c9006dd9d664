"""The chemical elements, from the database in the package mendeleev."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from lethe.errors import UserError
from lethe.sources.real.packages import files_named

TEXTS = ("description", "sources", "uses")
"""Columns of text about an element, in English."""


@dataclass(frozen=True)
class Element:
    """texts: sentences about it by column; those that name it are for others to leave out."""

    number: int
    name: str
    symbol: str
    texts: dict[str, str]


def read_elements(folder: Path) -> list[Element]:
    """All elements by atomic number.

    Raises:
        UserError: the package has no such database.
    """
    (path, *_) = files_named(folder, "elements.db", "elements")
    columns = ("atomic_number", "name", "symbol", *TEXTS)
    try:
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) as base:
            rows = base.execute(
                f"SELECT {', '.join(columns)} FROM elements ORDER BY atomic_number"
            ).fetchall()
    except sqlite3.Error as error:
        raise UserError(f"made_from.elements: {path} cannot be read: {error}.") from None
    finally:
        if "base" in locals():
            base.close()
    return [
        Element(
            number,
            name,
            symbol,
            {key: " ".join(text.split()) for key, text in zip(TEXTS, texts, strict=True) if text},
        )
        for number, name, symbol, *texts in rows
    ]
