"""lethe metrics MATRIX.csv: every metric that your own matrix allows, and why not the others.

MATRIX.csv: one row per stage from 0 (the base). The first column is a label, then comes one column
per task; higher is better. An empty field is a missing cell. Rows labelled with the tasks that they
taught give the order of training; otherwise it is that of the columns, or of --order.
"""

import argparse
import json
import math
from dataclasses import dataclass

import numpy as np

from lethe.errors import UserError
from lethe.metrics.general import GENERAL_METRICS, at_floor
from lethe.metrics.matrix import TASK_METRICS
from lethe.metrics.matrix_files import Table, read_matrix, read_reference
from lethe.metrics.registry import Metric
from lethe.metrics.schedule import Schedule, names
from lethe.metrics.score_scale import OTHER, PERCENT, SCALES, TOP, as_shares, scale_of
from lethe.metrics.stage_order import require_same_rows, schedule_of
from lethe.terminal import table

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
class Given:
    """What the files and flags hold.

    Attributes:
        tables: by letter of the formulas: R and G, and those of b, S, J and L that are given.
        arrays: by argument of the metrics; percent have become shares.
        scales: of R and what is compared with it, and of G.
        found: where the order of training was found.
    """

    tables: dict[str, Table]
    arrays: dict[str, np.ndarray]
    scales: dict[str, str]
    schedules: dict[str, Schedule]
    found: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe metrics`."""
    parser.add_argument("matrix", metavar="MATRIX.csv", help="tasks' scores: a row per stage")
    parser.add_argument(
        "--order",
        metavar="TASKS",
        help="what each stage taught, comma-separated, if rows and columns do not say it: "
        "a,b,a; a&b for two at once, none for a task without a column",
    )
    parser.add_argument(
        "--scale",
        choices=SCALES,
        help="what the scores are, if it is not plain: shares of 1, percent, or other",
    )
    parser.add_argument(
        "--general", metavar="CSV", help="scores of general evaluation sets: the same rows"
    )
    parser.add_argument(
        "--chance",
        metavar="VALUES",
        help="chance level of the general sets, in their scale: 0.25, or name=0.25,name=0.5",
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
    """{"tasks", "order", ..., "metrics": [...]}; value null and a note if not computable."""
    given = _given(args)
    matrix, schedule = given.tables["R"], given.schedules["R"]
    untaught = [c for place, c in enumerate(matrix.columns) if place not in schedule.columns]
    return {
        "tasks": matrix.columns,
        "stages": schedule.stages,
        "order": names(schedule, matrix.columns),
        "order_found_in": given.found,
        "never_taught": untaught,
        "scale": given.scales["R"],
        "general_scale": given.scales.get("G"),
        "metrics": [_result(entry, given) for entry in [*TASK_METRICS, *GENERAL_METRICS]],
    }


def _given(args: argparse.Namespace) -> Given:
    matrix = read_matrix(args.matrix)
    schedule, found = schedule_of(matrix, args.order)
    tables, schedules = {"R": matrix}, {"R": schedule}
    for name, path in {"b": args.baseline, "S": args.single, "J": args.joint}.items():
        if path:
            tables[name] = read_reference(path, matrix)
    scales = {"R": scale_of(list(tables.values()), args.scale)}
    arrays = {name: as_shares(table.values, scales["R"]) for name, table in tables.items()}
    arrays |= {name: arrays[name][0] for name in "bSJ" if name in tables}
    arrays.setdefault("b", arrays["R"][0])
    if args.loss:
        tables["L"], schedules["L"] = _losses(args, matrix, schedule)
        arrays["L"] = tables["L"].values
    if args.general:
        tables["G"] = read_matrix(args.general)
        require_same_rows(tables["G"], matrix, schedule)
        scales["G"] = scale_of([tables["G"]], args.scale)
        arrays["G"] = as_shares(tables["G"].values, scales["G"])
        arrays |= _floors(args, tables["G"], arrays["G"], scales["G"])
    elif args.chance is not None or args.items is not None:
        raise UserError("--chance and --items belong to --general, which is not given")
    return Given(tables, arrays, scales, schedules, found)


def _losses(args: argparse.Namespace, matrix: Table, schedule: Schedule) -> tuple[Table, Schedule]:
    """Losses of the same tasks have the same order of training; others have their own."""
    losses = read_matrix(args.loss)
    if sorted(losses.columns) != sorted(matrix.columns):
        return losses, schedule_of(losses)[0]
    require_same_rows(losses, matrix, schedule)
    return losses.ordered(matrix.columns), schedule


def _result(entry: Metric, given: Given) -> dict:
    letter = entry.needs[0]
    scale = given.scales.get(letter)
    unit = PERCENT if entry.unit == "score" and scale == PERCENT else entry.unit
    result = {"id": entry.id, "value": None, "unit": unit, "sign": entry.sign}
    result |= {"formula": entry.formula, "source": entry.source, "note": ""}
    missing = [name for name in entry.needs if name not in given.arrays]
    if missing:
        flags = [FLAGS[name] for name in missing if name in FLAGS]
        return result | {"note": f"needs {' and '.join(flags)}"}
    if scale == OTHER and entry.unit in ("points", "share"):
        return result | {"note": "needs scores that are shares or percent"}
    schedule, columns = given.schedules.get(letter), given.tables[letter].columns
    try:
        entry.require(given.arrays[letter], columns, letter, schedule)
    except UserError as error:
        return result | {"note": str(error).removeprefix(f"{entry.id}: ")}
    planned = {} if schedule is None else {"schedule": schedule}
    value = float(entry.function(*(given.arrays[name] for name in entry.needs), **planned))
    if math.isnan(value):
        return result | {"note": _why_nan(entry, given)}
    return result | {"value": value * 100 if unit == PERCENT else value}


def _why_nan(entry: Metric, given: Given) -> str:
    if any(np.isnan(given.arrays[name]).any() for name in entry.needs[1:]):
        return f"a value of {FLAGS[entry.needs[1]]} is missing"
    if entry.id == "fg_chance":
        return "at floor: no base score is above chance by more than two standard errors"
    if entry.unit == "%":
        return "a base score is 0 or below"
    schedule = given.schedules[entry.needs[0]]
    if len(schedule.columns) == 1:
        return "not defined for a single task"
    if entry.id == "intransigence_chaudhry":
        return "what the last stage taught has no column"
    return "no cell of the kind that its formula reads, with this order of training"


def _floors(
    args: argparse.Namespace, general: Table, scores: np.ndarray, scale: str
) -> dict[str, np.ndarray]:
    """Chance levels, in the scale of `scores`, and which sets are at floor."""
    if args.chance is None:
        return {}
    chance = as_shares(_chance_levels(args.chance, general, scale), scale)
    base = scores[0]
    stderr = np.zeros_like(base)
    if args.items is not None:
        if args.items < 1:
            raise UserError(f"--items: expected a number of items from 1, found {args.items}")
        if scale == OTHER:
            raise UserError("--items: its standard errors need scores that are shares or percent")
        stderr = np.sqrt(base * (1 - base) / args.items)
    return {"chance": chance, "floor": at_floor(base, chance, stderr).astype(float)}


def _chance_levels(text: str, general: Table, scale: str) -> np.ndarray:
    """One number for all sets, or name=number for each; in the scale of the sets."""
    pairs = [part.rpartition("=") for part in text.split(",")]
    levels: dict[str, float] = {}
    for name, _, number in pairs:
        try:
            level = float(number)
        except ValueError:
            raise UserError(
                f"--chance: expected a number or name=number pairs, found {text!r}"
            ) from None
        if name.strip() in levels:
            raise UserError(f"--chance: {name.strip() or 'the level'} is given twice")
        levels[name.strip()] = _chance_level(level, scale, general)
    if list(levels) == [""]:
        return np.full(len(general.columns), levels[""])
    for name in levels:
        if name not in general.columns:
            raise UserError(f"--chance: {name!r} is not a column of {general.path}")
    for name in general.columns:
        if name not in levels:
            raise UserError(f"--chance: no level for {name!r}, a column of {general.path}")
    return np.array([levels[name] for name in general.columns])


def _chance_level(level: float, scale: str, general: Table) -> float:
    if scale == OTHER:
        if math.isfinite(level):
            return level
        raise UserError(f"--chance: expected a finite number, found {level:g}")
    if scale == PERCENT and 0 < level <= 1:
        raise UserError(
            f"--chance: {level:g} is a share, but the scores of {general.path} are in percent; "
            f"write {100 * level:g}, or the scores as shares"
        )
    if not 0 <= level <= TOP[scale]:
        raise UserError(
            f"--chance: expected a level from 0 to {TOP[scale]:g} in {scale}, the scale of "
            f"{general.path}, found {level:g}"
        )
    return level


def as_text(results: dict) -> str:
    """Order and scale as found, the computable metrics, then the others with their reasons."""
    order = " ".join(results["order"])
    head = [f"Order of training: {order} (from {results['order_found_in']})"]
    if results["never_taught"]:
        untaught = ", ".join(results["never_taught"])
        head.append(f"Never taught, so in no metric of tasks: {untaught} (see --general)")
    head.append(f"Scores are read as {results['scale']}")
    if results["general_scale"] not in (None, results["scale"]):
        head[-1] += f", general scores as {results['general_scale']}"
    computed = [entry for entry in results["metrics"] if entry["value"] is not None]
    rows = [
        (entry["id"], f"{entry['value']:z.4f}", entry["unit"], entry["sign"], entry["formula"])
        for entry in computed
    ]
    lines = [*head, "", table(("metric", "value", "unit", "sign", "formula"), rows)]
    others = [entry for entry in results["metrics"] if entry["value"] is None]
    if others:
        lines += ["", "Not computable:"]
        lines += [f"  {entry['id']}: {entry['note']}" for entry in others]
    return "\n".join([*lines, "", NO_INTERVAL])
