"""Rows of changes.csv over several others: over the sets of an axis, and over seeds."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from lethe.longtables.change_columns import ESTIMATES, SHARES, WITH_INTERVAL
from lethe.longtables.change_columns import SEEDS as BETWEEN_SEEDS
from lethe.longtables.run import SEEDS
from lethe.metrics.compared import OF_RUN
from lethe.metrics.drawn_clusters import number_behind
from lethe.metrics.intervals import EVERYWHERE
from lethe.metrics.over_seeds import TOO_FEW, interval_over_seeds, units_of
from lethe.metrics.set_changes import CLUSTERS, ESTIMATED
from lethe.metrics.set_means import OfSet, interval_over_sets

OF_PAIR = ["stage_index", "stage_task", "against", "before_index"]
OF_SET = ["axis", "probe", "subset"]
WORST = ("commonest_before", "commonest_after")
SUMS = ("n", "n_units", "sets", "identified")
ALIKE = [name for name in OF_RUN if name not in SEEDS]
LACKING = dict.fromkeys(SUMS, 0) | {"note": "missing for a seed"}

Row = dict[str, Any]


def over_axes(rows: Iterable[Row]) -> list[Row]:
    """One row for each run, pair of checkpoints and axis: means over its sets, each counted once.

    Of a set with parts (subsets) the parts count, as in the metrics. Sets without a number are left
    out of its mean and named; of the commonest answer's share it is the largest. The intervals
    are those of `interval_over_sets`.
    """
    found = []
    same = [*OF_RUN, *OF_PAIR, "axis"]
    for group in _grouped(rows, [name for name in same if name != "before_index"]):
        divided = {row["probe"] for row in group if row["subset"]}
        parts = [row for row in group if row["subset"] or row["probe"] not in divided]
        row = {name: parts[0][name] for name in same}
        row |= {"probe": "", "subset": "", "commonest": "", "note": _left_out(parts)}
        counted = [part for part in parts if part["sets"]] or parts
        starts = {part["before_index"] for part in counted}
        row["before_index"] = starts.pop() if len(starts) == 1 else None
        row |= {name: sum(part[name] for part in counted) for name in SUMS}
        clusters = [part.get(CLUSTERS) for part in counted]
        row["n_units"] = number_behind(clusters, [part["n_units"] for part in counted])
        row["unit"] = max(part["unit"] for part in counted)
        for name in [*ESTIMATES, "choices"]:
            row |= _mean_of_sets(parts, name)
        found.append(row)
    return found


def _mean_of_sets(parts: list[Row], name: str) -> Row:
    valued = [part for part in parts if not np.isnan(part.get(name, np.nan))]
    if not valued:
        return {}
    values = [part[name] for part in valued]
    row = {name: float(max(values) if name in WORST else np.mean(values))}
    if name in WITH_INTERVAL:
        sets = [
            OfSet(
                part[name],
                part[f"{name}_low"],
                part[f"{name}_high"],
                part.get(ESTIMATED, {}).get(name),
            )
            for part in valued
        ]
        row |= _ends(name, interval_over_sets(sets, name in SHARES))
    return row


def _left_out(parts: list[Row]) -> str:
    """The sets' own notes without their numbers, each once, with the sets that have it."""
    names: dict[str, list[str]] = {}
    for part in parts:
        for note in filter(None, part["note"].split("; ")):
            name = f"{part['probe']} {part['subset']}".strip()
            names.setdefault(note.partition(", ")[0], []).append(name)
    return "; ".join(f"{note} ({', '.join(sets)})" for note, sets in names.items())


def over_seeds(rows: Iterable[Row]) -> list[Row]:
    """One row for each group of rows that differ in their seeds only: means and t-intervals.

    As `over_seeds.over_seeds`: over bases where there are several, else over train seeds. A number
    that a seed lacks is missing, as is one of a stage that a seed lacks.
    """
    rows = list(rows)
    runs: dict[tuple, dict[tuple, None]] = {}
    for row in rows:
        runs.setdefault(_line(row), {})[_seeds(row)] = None
    same = [*ALIKE, *(name for name in OF_PAIR if name != "before_index"), *OF_SET]
    found = []
    for group in _grouped(rows, same):
        lacking = [seeds for seeds in runs[_line(group[0])] if seeds not in map(_seeds, group)]
        row = {name: group[0][name] for name in same}
        starts = {part["before_index"] for part in group}
        row["before_index"] = starts.pop() if len(starts) == 1 else None
        group += [row | dict(zip(SEEDS, seeds, strict=True)) | LACKING for seeds in lacking]
        unit, values = units_of(group, "kept")
        if len(values) < 2:
            continue
        notes = dict.fromkeys(note for part in group if (note := part["note"]))
        few = [TOO_FEW] if len(values) < 3 else []
        row |= dict.fromkeys(SEEDS) | {"note": "; ".join([*few, *notes])}
        items = [part["n"] for part in group]
        row |= {"n": max(items) if min(items) else 0, "n_units": len(values), "unit": unit}
        row |= {name: min(part[name] for part in group) for name in ("sets", "identified")}
        row["commonest"] = ""
        for name in [*ESTIMATES, "choices"]:
            _, values = units_of(group, name)
            row[name] = float(np.mean(values))
            if name in WITH_INTERVAL:
                within = (0.0, 1.0) if name in SHARES else EVERYWHERE
                own = [
                    (part.get(f"{name}_low", np.nan), part.get(f"{name}_high", np.nan))
                    for part in group
                ]
                row |= _ends(name, interval_over_seeds(values, own, within))
        found.append(row)
    return found


def _line(row: Row) -> tuple:
    """What runs share that differ in their seeds only; comparisons between seeds are apart."""
    return (row["against"] == BETWEEN_SEEDS, *(row[name] for name in ALIKE))


def _seeds(row: Row) -> tuple:
    return tuple(row[name] for name in SEEDS)


def _ends(name: str, ends: tuple[float, float]) -> Row:
    return {f"{name}_low": ends[0], f"{name}_high": ends[1]}


def _grouped(rows: Iterable[Row], names: list[str]) -> Iterable[list[Row]]:
    """Rows that agree in these columns, in the order of the first of each group."""
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups.values()
