"""Means over runs that differ in their seeds only, with Student's t intervals."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from lethe.longtables.run import RUN_COLUMNS, SEEDS
from lethe.metrics.intervals import EVERYWHERE, Range, interval_of_units
from lethe.metrics.row_intervals import WITHIN

PLACE = ["stage_index", "stage_task", "axis", "probe", "subset", "metric"]
ALIKE = [column for column in [*RUN_COLUMNS, "params"] if column not in SEEDS] + PLACE
TOO_FEW = "an interval needs 3 seeds"


def over_seeds(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per metric and group of two or more runs that differ only in their seeds.

    Runs over several bases are first averaged over train seeds within each base, so the unit is
    the base. If the value of a seed is missing, so is the mean. Seeds are empty in the result. An
    interval is cut at the range WITHIN of the rows. Where seeds do not differ, as at the base that
    they share, the interval is that of the runs: their mean is no more certain than one of them.
    """
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(_plain(row[column]) for column in ALIKE), []).append(row)
    means = []
    for key, group in groups.items():
        unit, values = units_of(group)
        if len(values) < 2:
            continue
        own = [(row.get("low", math.nan), row.get("high", math.nan)) for row in group]
        low, high = interval_over_seeds(values, own, _within(group))
        notes = [TOO_FEW] if len(values) < 3 else []
        notes += sorted({row["note"] for row in group if _concerns_value(row)} - {""})
        means.append(
            dict(zip(ALIKE, key, strict=True))
            | dict.fromkeys(SEEDS)
            | {"value": float(np.mean(values)), "low": low, "high": high}
            | {"n": max(row["n"] for row in group), "n_units": len(values), "unit": unit}
            | {"note": "; ".join(notes)}
        )
    return means


def interval_over_seeds(
    values: list[float], own: Iterable[tuple[float, float]], within: Range
) -> tuple[float, float]:
    """Student's t over the units; where they do not differ, the widest of the runs' own intervals.

    own: the intervals of single runs. Fewer than three units have none either way.
    """
    ends = {one for one in own if not math.isnan(one[0])}
    found = interval_of_units(values, within)
    if len(values) < 3 or not math.isnan(found[0]) or np.isnan(values).any() or not ends:
        return found
    return min(low for low, _ in ends), max(high for _, high in ends)


def _within(group: list[dict]) -> Range:
    """The range that no run's number can leave."""
    ranges = [row.get(WITHIN, EVERYWHERE) for row in group]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def units_of(group: list[dict], name: str = "value") -> tuple[str, list[float]]:
    """The unit that varies, and one value per unit; nan where a row lacks the value."""
    bases: dict[tuple, list[float]] = {}
    for row in group:
        base = (_plain(row["world_seed"]), _plain(row["base_seed"]))
        bases.setdefault(base, []).append(float(row.get(name, math.nan)))
    if len(bases) == 1:
        return "train seeds", next(iter(bases.values()))
    same_base_seed = len({base_seed for _, base_seed in bases}) == 1
    # Most bases were trained from once; numpy's mean of one number takes long for what it is.
    values = [v[0] if len(v) == 1 else float(np.mean(v)) for v in bases.values()]
    return ("world seeds" if same_base_seed else "base seeds"), values


def _plain(value: Any) -> Any:
    """A value that compares equal to itself: None for nan."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _concerns_value(row: dict[str, Any]) -> bool:
    """Whether a row's note says why its value is missing, or what is in it."""
    note = row["note"]
    return math.isnan(row["value"]) or any(
        word in note for word in ("missing", "at floor", "no chance", "base score is 0")
    )
