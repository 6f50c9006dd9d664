"""A user's own matrix of scores: a CSV with a row per stage and a column per task."""

import csv
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lethe.errors import UserError, shown


@dataclass(frozen=True)
class Table:
    """A CSV of numbers: values (rows, columns), nan where a field is empty."""

    path: str
    labels: list[str]
    columns: list[str]
    values: np.ndarray

    def ordered(self, columns: list[str]) -> "Table":
        """The same columns in another order."""
        places = [self.columns.index(column) for column in columns]
        return replace(self, columns=columns, values=self.values[:, places])


def read_matrix(path: str) -> Table:
    """Read a CSV with a label column and number columns; UserError names row and column."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(field.strip() for field in row)]
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from None
    if len(rows) < 2 or len(rows[0]) < 2:
        raise UserError(
            f"{path}: expected a header (stage, then tasks) and a row per stage, columns "
            f"separated by commas, found {len(rows)} lines of text"
        )
    names = [name.strip() for name in rows[0][1:]]
    for name in names:
        if not name or names.count(name) > 1:
            raise UserError(f"{path}: the column name {name!r} is empty or occurs twice")
    values = [_numbers(path, number, row, names) for number, row in enumerate(rows[1:], start=1)]
    return Table(str(path), [row[0].strip() for row in rows[1:]], names, np.array(values))


def read_reference(path: str, matrix: Table) -> Table:
    """One row of scores of the matrix' tasks, in its order of columns."""
    table = read_matrix(path)
    if len(table.labels) != 1:
        raise UserError(f"{path}: expected one row of reference scores, found {len(table.labels)}")
    if sorted(table.columns) != sorted(matrix.columns):
        raise UserError(
            f"{path}: expected the columns {matrix.columns} as in {matrix.path}, "
            f"found {table.columns}"
        )
    return table.ordered(matrix.columns)


def _numbers(path: str, number: int, row: list[str], names: list[str]) -> list[float]:
    if len(row) != len(names) + 1:
        raise UserError(
            f"{path}: row {number} ({row[0]!r}) has {len(row) - 1} scores, expected {len(names)}"
        )
    values = []
    for name, field in zip(names, row[1:], strict=True):
        try:
            # Python would read 1_0 as ten.
            value = float(field.replace("_", "x")) if field.strip() else math.nan
        except ValueError:
            value = math.inf
        if math.isinf(value) or (math.isnan(value) and field.strip()):
            raise UserError(
                f"{path}: row {number} ({row[0]!r}), column {name!r}: expected a number, "
                f"found {shown(field)}"
            )
        values.append(value)
    return values
