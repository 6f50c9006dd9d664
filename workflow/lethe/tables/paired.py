"""Paired tests between lines of end tasks, and which lines are tied with the best.

The unit is as in claims: the base if there are several (train seeds of one base are averaged),
else the run, else the end-task seed of the single run.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from lethe.metrics.clustered import p_of_difference
from lethe.metrics.comparisons import PairedDifference, holm, paired_difference
from lethe.metrics.end_task_intervals import REFERENCES
from lethe.metrics.end_tasks import range_of
from lethe.metrics.subjects import TRAIN_SEEDS, replicates
from lethe.tables.end_task_lines import EndTaskLine, entry_line

FEWEST_UNITS = 3
DAS = "das"


def differences(one: EndTaskLine, other: EndTaskLine, name: str) -> list[float]:
    """`one` minus `other` on a number, for every unit that has both; the sign is not changed."""
    by_unit = {
        key: unit[name] - other.units[key][name]
        for key, unit in one.units.items()
        if not np.isnan(unit.get(name, np.nan))
        and not np.isnan(other.units.get(key, {}).get(name, np.nan))
    }
    if one.over == "runs":
        by_unit = replicates(by_unit, TRAIN_SEEDS)[1]
    return list(by_unit.values())


def compared(one: EndTaskLine, other: EndTaskLine, name: str) -> PairedDifference | None:
    """The paired test of two lines on a number; None if no unit has both.

    Of single runs with known items it is over the clusters of these (`EndTaskLine.items`).
    """
    within = one.less(name, other)
    if within is not None:
        p = p_of_difference(within.value, within.low, within.high, within.units)
        return PairedDifference(
            within.value, within.low, within.high, within.units, p, float("nan")
        )
    return over_units(one, other, name)


def over_units(one: EndTaskLine, other: EndTaskLine, name: str) -> PairedDifference | None:
    """The paired test of two lines over their units; None if no unit has both."""
    paired = differences(one, other, name)
    if not paired:
        return None
    low, high = range_of(name)
    return paired_difference(paired, [0.0] * len(paired), within=(low - high, high - low))


def paired_columns(name: str, test: PairedDifference | None) -> dict:
    """{name, name_low, name_high, name_p, name_p_t, name_n}; Holm's p is added by `with_holm`.

    p: exact sign flips; p_t: Student's paired t test. Both need two units.
    """
    tested = test is not None and test.n > 1
    return {
        name: test.mean if test else np.nan,
        f"{name}_low": test.low if test else np.nan,
        f"{name}_high": test.high if test else np.nan,
        f"{name}_p": test.p_sign_flip if tested else np.nan,
        f"{name}_p_t": test.p_t if tested else np.nan,
        f"{name}_n": test.n if test else 0,
    }


def with_holm(rows: list[dict], name: str) -> None:
    """Add `name_p_holm`: Student's p of a column, adjusted over all rows that have a p."""
    places = [place for place, row in enumerate(rows) if not np.isnan(row[f"{name}_p_t"])]
    adjusted = holm([rows[place][f"{name}_p_t"] for place in places])
    for row in rows:
        row[f"{name}_p_holm"] = np.nan
    for place, p in zip(places, adjusted, strict=True):
        rows[place][f"{name}_p_holm"] = float(p)


def references_of(line: EndTaskLine, end_lines: list[EndTaskLine]) -> list[EndTaskLine]:
    """Plain training, at two rates, and DAS on the line's model and order, without the line."""
    others = [entry_line(entry, line, end_lines) for entry in REFERENCES]
    return [other for other in others if other is not None and other is not line]


def tied_bests(end_lines: Sequence[EndTaskLine], name: str) -> set[int]:
    """Places of the best line of each model and continual order, and of every line tied with it.

    A line is tied if its paired difference to the best has a 95 % t-interval that includes zero. A
    group with no line that shares three units with the best has no places.
    """
    groups: dict[tuple, dict[int, EndTaskLine]] = {}
    for place, line in enumerate(end_lines):
        # What learned nothing has nothing to forget: it is no best.
        if line.is_continual and not line.is_at_floor and not np.isnan(line.cell(name)[name]):
            groups.setdefault((line.model, line.order), {})[place] = line
    places: set[int] = set()
    for group in groups.values():
        places |= _tied(group, name)
    return places


def bold_cells(
    end_lines: Sequence[EndTaskLine], names: Sequence[str]
) -> frozenset[tuple[int, str]]:
    """(row, column) of the tied best lines, if row i shows line i."""
    return frozenset((place, name) for name in names for place in tied_bests(end_lines, name))


def _tied(group: Mapping[int, EndTaskLine], name: str) -> set[int]:
    sign = -1 if name.endswith("fr_ke") else 1
    best = max(group, key=lambda place: sign * group[place].cell(name)[name])
    tests = {
        place: over_units(one, group[best], name) for place, one in group.items() if place != best
    }
    tested = {place: test for place, test in tests.items() if test and test.n >= FEWEST_UNITS}
    if not tested:
        return set()
    return {best} | {place for place, test in tested.items() if test.low <= 0 <= test.high}
