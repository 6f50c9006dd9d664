"""lethe metrics MATRIX.csv: every metric that your own matrix allows, and why not the others.

MATRIX.csv: one row per stage from 0 (the base). The first column is a label, then comes one column
per task in the order of training; higher is better. An empty field is a missing cell.
"""

import argparse
import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lethe.errors import UserError, shown
from lethe.metrics.general import GENERAL_METRICS, at_floor
from lethe.metrics.matrix import TASK_METRICS
from lethe.metrics.registry import Metric

NO_INTERVAL = (
    "No intervals: a matrix alone shows neither the spread over items nor that over seeds."
)
FLAGS = {
    "b": "--baseline",
    "S": "--single",
    "J": "--joint",
    "L": "--loss",
    "G": "--general",
    "chance": "--chance",
}


@dataclass(frozen=True)
class Table:
    """A CSV of numbers: values (rows, columns), nan where a field is empty."""

    path: str
    labels: list[str]
    columns: list[str]
    values: np.ndarray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe metrics`."""
    parser.add_argument("matrix", metavar="MATRIX.csv", help="tasks' scores: a row per stage")
    parser.add_argument(
        "--general", metavar="CSV", help="scores of general evaluation sets: the same rows"
    )
    parser.add_argument(
        "--chance",
        metavar="VALUES",
        help="chance level of the general sets: 0.25, or name=0.25,name=0.5",
    )
    parser.add_argument(
        "--items",
        type=int,
        metavar="N",
        help="items in each general set, for its standard error (fg_chance's floor)",
    )
    parser.add_argument(
        "--baseline",
        metavar="CSV",
        help="one row: score of each task before the stream (without it: the base's row)",
    )
    parser.add_argument("--single", metavar="CSV", help="one row: each task trained alone")
    parser.add_argument("--joint", metavar="CSV", help="one row: all tasks trained jointly")
    parser.add_argument("--loss", metavar="CSV", help="losses by stage and task; lower is better")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Print the metrics; UserError for a file that is not such a matrix."""
    results = by_hand(args)
    print(json.dumps(results, indent=2, allow_nan=False) if args.json else as_text(results))
    return 0


def by_hand(args: argparse.Namespace) -> dict:
    """{"tasks", "stages", "metrics": [...]}; value null and a note if not computable."""
    matrix = read_matrix(args.matrix)
    require_stages(matrix)
    tables = {"R": matrix} | _optional_tables(args, matrix)
    arrays = {name: table.values for name, table in tables.items()}
    arrays.setdefault("b", matrix.values[0])
    for name in "bSJ":
        if name in tables:
            arrays[name] = tables[name].values[0]
    if "G" in tables:
        arrays |= _floors(args, tables["G"])
    every_metric = [*TASK_METRICS, *GENERAL_METRICS]
    metrics = [_result(entry, arrays, tables) for entry in every_metric]
    return {"tasks": matrix.columns, "stages": len(matrix.columns), "metrics": metrics}


def _optional_tables(args: argparse.Namespace, matrix: Table) -> dict[str, Table]:
    tables = {}
    for name, path in {"b": args.baseline, "S": args.single, "J": args.joint}.items():
        if path:
            tables[name] = _reference(path, matrix)
    if args.loss:
        tables["L"] = read_matrix(args.loss)
        require_stages(tables["L"])
    if args.general:
        tables["G"] = general = read_matrix(args.general)
        if len(general.labels) != len(matrix.labels):
            raise UserError(
                f"{general.path}: expected {len(matrix.labels)} rows, one per stage from 0 as in "
                f"{matrix.path}, found {len(general.labels)}"
            )
    elif args.chance is not None or args.items is not None:
        raise UserError("--chance and --items belong to --general, which is not given")
    return tables


def _result(entry: Metric, arrays: dict[str, np.ndarray], tables: dict[str, Table]) -> dict:
    result = {"id": entry.id, "value": None, "unit": entry.unit, "sign": entry.sign}
    result |= {"formula": entry.formula, "source": entry.source, "note": ""}
    missing = [name for name in entry.needs if name not in arrays]
    if missing:
        flags = [FLAGS[name] for name in missing if name in FLAGS]
        return result | {"note": f"needs {' and '.join(flags)}"}
    matrix = tables[entry.needs[0]]
    try:
        entry.require(matrix.values, matrix.columns, entry.needs[0])
    except UserError as error:
        return result | {"note": str(error).removeprefix(f"{entry.id}: ")}
    value = float(entry.function(*(arrays[name] for name in entry.needs)))
    if entry.unit == "points" and np.nanmax(np.abs(matrix.values)) > 1:
        value /= 100  # the scores are points already
    if math.isnan(value):
        return result | {"note": _why_nan(entry, arrays)}
    return result | {"value": value}


def _why_nan(entry: Metric, arrays: dict[str, np.ndarray]) -> str:
    if any(np.isnan(arrays[name]).any() for name in entry.needs[1:]):
        return f"a value of {FLAGS[entry.needs[1]]} is missing"
    if entry.id == "fg_chance":
        return "at floor: no base score is above chance by more than two standard errors"
    if entry.unit == "%":
        return "a base score is 0"
    return "not defined for a single task"


def _floors(args: argparse.Namespace, general: Table) -> dict[str, np.ndarray]:
    if args.chance is None:
        return {}
    chance = _chance_levels(args.chance, general)
    base = general.values[0]
    stderr = np.zeros_like(base)
    if args.items is not None:
        if args.items < 1:
            raise UserError(f"--items: expected a number of items from 1, found {args.items}")
        top = 100.0 if np.nanmax(general.values) > 1 else 1.0
        stderr = np.sqrt(np.clip(base * (top - base), 0, None) / args.items)
    return {"chance": chance, "floor": at_floor(base, chance, stderr).astype(float)}


def _chance_levels(text: str, general: Table) -> np.ndarray:
    """One number for all sets, or name=number for each."""
    pairs = [part.rpartition("=") for part in text.split(",")]
    levels = {}
    for name, _, number in pairs:
        try:
            levels[name.strip()] = float(number)
        except ValueError:
            raise UserError(
                f"--chance: expected a number or name=number pairs, found {text!r}"
            ) from None
    if list(levels) == [""]:
        return np.full(len(general.columns), levels[""])
    for name in levels:
        if name not in general.columns:
            raise UserError(f"--chance: {name!r} is not a column of {general.path}")
    for name in general.columns:
        if name not in levels:
            raise UserError(f"--chance: no level for {name!r}, a column of {general.path}")
    return np.array([levels[name] for name in general.columns])


def _reference(path: str, matrix: Table) -> Table:
    table = read_matrix(path)
    if len(table.labels) != 1:
        raise UserError(f"{path}: expected one row of reference scores, found {len(table.labels)}")
    if table.columns != matrix.columns:
        raise UserError(
            f"{path}: expected the columns {matrix.columns} as in {matrix.path}, "
            f"found {table.columns}"
        )
    return table


def require_stages(table: Table) -> None:
    """UserError unless there are T+1 rows for T tasks, from stage 0 on."""
    rows, tasks = len(table.labels), len(table.columns)
    numbered = all(label.isdigit() for label in table.labels)
    if numbered and table.labels[0] != "0":
        raise UserError(
            f"{table.path}: expected the first row to be stage 0, the base model, "
            f"found stage {table.labels[0]}"
        )
    if rows != tasks + 1:
        raise UserError(
            f"{table.path}: expected {tasks + 1} rows (stage 0, the base, and one stage for each "
            f"of {tasks} tasks), found {rows}"
        )
    if numbered and table.labels != [str(stage) for stage in range(rows)]:
        raise UserError(
            f"{table.path}: expected the stages 0 to {tasks} in order, "
            f"found {', '.join(table.labels)}"
        )


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
            f"{path}: expected a header (stage, then tasks) and a row per stage, "
            f"found {len(rows)} lines of text"
        )
    names = [name.strip() for name in rows[0][1:]]
    for name in names:
        if not name or names.count(name) > 1:
            raise UserError(f"{path}: the column name {name!r} is empty or occurs twice")
    values = [_numbers(path, number, row, names) for number, row in enumerate(rows[1:], start=1)]
    return Table(str(path), [row[0].strip() for row in rows[1:]], names, np.array(values))


def _numbers(path: str, number: int, row: list[str], names: list[str]) -> list[float]:
    if len(row) != len(names) + 1:
        raise UserError(
            f"{path}: row {number} ({row[0]!r}) has {len(row) - 1} scores, expected {len(names)}"
        )
    values = []
    for name, field in zip(names, row[1:], strict=True):
        try:
            value = float(field) if field.strip() else math.nan
        except ValueError:
            value = math.inf
        if math.isinf(value) or (math.isnan(value) and field.strip()):
            raise UserError(
                f"{path}: row {number} ({row[0]!r}), column {name!r}: expected a number, "
                f"found {shown(field)}"
            )
        values.append(value)
    return values


def as_text(results: dict) -> str:
    """The computable metrics as a table, then the others, each with the reason."""
    computed = [entry for entry in results["metrics"] if entry["value"] is not None]
    rows = [
        (entry["id"], f"{entry['value']:.4f}", entry["unit"], entry["sign"], entry["formula"])
        for entry in computed
    ]
    rows.insert(0, ("metric", "value", "unit", "sign", "formula"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    others = [entry for entry in results["metrics"] if entry["value"] is None]
    if others:
        lines += ["", "Not computable:"]
        lines += [f"  {entry['id']}: {entry['note']}" for entry in others]
    return "\n".join([*lines, "", NO_INTERVAL])
