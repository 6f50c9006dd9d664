"""What the table and the figure of methods share: every line's measures, in points, and its ties.

A line is a model, method and recipe on one order, or on several orders of the same stages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lethe.longtables.axes import OWN
from lethe.longtables.run import SEEDS, method_words
from lethe.longtables.tables import LongTables, once
from lethe.metrics.bounds import learned_too_little
from lethe.metrics.comparisons import paired_difference
from lethe.metrics.methods import (
    OLD_BASE,
    OLD_OWN,
    OWN_BASE,
    OWN_END,
    TASK_MEASURES,
    method_metrics,
)
from lethe.metrics.shown import (
    LINE_COLUMNS,
    PLAIN,
    SEED_UNITS,
    is_control,
    lines,
    rows_of_lines,
    shown,
)
from lethe.metrics.subjects import TRAIN_SEEDS, replicates
from lethe.tables.end_task_lines import NONE, EndTaskLine, end_task_lines
from lethe.tables.lines import NUMBERS, behind, of_line

LOWER_IS_BETTER = ("forget_chaudhry", "fg_luo")
FORGETTING = ("forget_chaudhry", "bwt_gem")
SCORES = ("acc", "la", "aia")
FEWEST_PAIRS = 3
POINTS = 100.0
IN_PERCENT = ("fg_luo",)
Number = tuple[float, float, float]
"""Value, low and high end; nan where there is none."""
NOTHING: Number = (np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class MethodLine:
    """numbers: by measure, in points (FG: %). units: by seeds, the same of each unit.

    orders: those that are averaged. of: the sets whose scores are averaged, `own` or `end_task`.
    over: what the intervals are over. reasons: why a measure has no value.
    """

    model: str
    method: str
    recipe: str
    orders: tuple[str, ...]
    of: str
    tasks: tuple[str, ...]
    numbers: Mapping[str, Number]
    units: Mapping[tuple, Mapping[str, float]]
    over: str
    items: int | None = None
    is_control: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> str:
        return ", ".join(self.orders)

    @property
    def is_at_floor(self) -> bool:
        """Whether it learned nothing, so that it has nothing to forget."""
        return self.is_lost("la")

    @property
    def has_nothing_to_forget(self) -> bool:
        """Whether it learned nothing of the tasks that later stages may cost, if there are any."""
        own, base = self.number(OLD_OWN)[0], self.number(OLD_BASE)[0]
        return self.is_at_floor if np.isnan(own - base) else learned_too_little(own, base)

    def is_lost(self, name: str) -> bool:
        """Whether a score of its tasks is no more than the base's."""
        return learned_too_little(self.number(name)[0], self.number(OWN_BASE)[0])

    def number(self, name: str) -> Number:
        return self.numbers.get(name, NOTHING)


@once
def method_lines(tables: LongTables) -> list[MethodLine]:
    """Every line with own tasks, controls among them, then every line with end tasks.

    Recipes of one method are in the order of the study's list.
    """
    found = [*_with_own_tasks(tables), *_with_end_tasks(tables)]
    recipes = list(dict.fromkeys(tables.scores["recipe"]))
    methods = [(line.of, line.model, line.method, line.orders) for line in found]
    places = sorted(
        range(len(found)), key=lambda n: (methods.index(methods[n]), recipes.index(found[n].recipe))
    )
    return [found[place] for place in places]


def _with_own_tasks(tables: LongTables) -> list[MethodLine]:
    own = tables.metrics["axis"] == OWN
    if not own.any():
        return []
    every = method_metrics(tables.scores, tables.metrics)
    # A model without own tasks may have general ability all the same.
    every = every[every["model"].isin(tables.metrics.loc[own, "model"])]
    rows, single = shown(every), every[~every["unit"].isin(SEED_UNITS)]
    probes = _probes(tables.metrics[own])
    of_runs = rows_of_lines(single)
    found = []
    for line in lines(rows):
        named = dict(zip(LINE_COLUMNS, line, strict=True))
        orders = tuple(named["order"].split(", "))
        part = of_line(rows, line)
        about = behind(part[part["metric"].isin(["la", OWN_END])])
        found.append(
            MethodLine(
                model=named["model"],
                method=method_words(named["method"], named["parametrisation"]),
                recipe=named["recipe"],
                orders=orders,
                of=OWN,
                tasks=probes.get((named["model"], orders[0]), ()),
                numbers=_numbers(part),
                units=_units(of_runs.get(line, single[:0])),
                over=about["interval_over"],
                items=about["items"],
                is_control=is_control(line),
                reasons=_reasons(part),
            )
        )
    return found


def _probes(metrics: pd.DataFrame) -> dict[tuple[str, str], tuple[str, ...]]:
    """The own sets that a model's order taught, in the order of its stages."""
    taught = metrics[metrics["metric"] == "own_after"]
    groups = taught.groupby(["model", "order"], sort=False)["probe"]
    return {(str(m), str(o)): tuple(dict.fromkeys(sets)) for (m, o), sets in groups}


def _numbers(rows: pd.DataFrame) -> dict[str, Number]:
    """One line's numbers in points; those of IN_PERCENT are in % already."""
    found: dict[str, Number] = {}
    for name, *ends in rows[["metric", *NUMBERS]].itertuples(index=False, name=None):
        value, low, high = (_scale(name) * float(end) for end in ends)
        found[name] = (value, low, high)
    return found


def _scale(name: str) -> float:
    return 1.0 if name in IN_PERCENT else POINTS


def _units(rows: pd.DataFrame) -> dict[tuple, dict[str, float]]:
    """Measures of single runs by seeds."""
    units: dict[tuple, dict[str, float]] = {}
    for row in rows.to_dict("records"):
        key = tuple(None if pd.isna(row[name]) else int(row[name]) for name in SEEDS)
        units.setdefault(key, {})[row["metric"]] = _scale(row["metric"]) * float(row["value"])
    return units


def _reasons(rows: pd.DataFrame) -> dict[str, str]:
    """Why a measure has no value, each reason once, of several missing cells the first."""
    found: dict[str, str] = {}
    for metric, note in rows.loc[rows["value"].isna(), ["metric", "note"]].itertuples(index=False):
        parts = dict.fromkeys(part.removeprefix(f"{metric}: ") for part in note.split("; "))
        cells = [part for part in parts if part.endswith("is missing")]
        told = [part for part in parts if part not in cells[1:]]
        if len(cells) > 1:
            told.append(f"and {len(cells) - 1} more")
        found[metric] = "; ".join(filter(None, told)) or "missing"
    return found


def _with_end_tasks(tables: LongTables) -> list[MethodLine]:
    names, end_lines = end_task_lines(tables)
    return [_of_end_tasks(line, names) for line in end_lines if line.entry != NONE]


def _of_end_tasks(line: EndTaskLine, names: list[str]) -> MethodLine:
    return MethodLine(
        model=line.model,
        method=method_words(line.entry, line.parametrisation),
        recipe=line.recipe,
        orders=(line.order,),
        of="end_task",
        tasks=tuple(names),
        numbers={
            name: tuple(line.cell(name).values())
            for name in (OWN_BASE, OLD_BASE, OLD_OWN, *TASK_MEASURES)
        },
        units=line.units,
        over=line.behind()["interval_over"],
        reasons=line.reasons,
    )  # fmt: skip


def tied_bests(found: list[MethodLine], name: str) -> set[int]:
    """Places of the best line of each model and orders, and of all that are tied with it.

    With three or more pairs of seeds a line is tied if the 95 % t-interval of its difference to the
    best includes zero; with fewer, if its own interval includes the best's value. Where there are
    neither pairs nor intervals nothing is best, nor is a line that learned nothing, a score with
    nothing left of it, a control, or one that has no other beside it. Where plain training of the
    model is over other orders alone, nothing is best either: the comparison would lack what all is
    held against.
    """
    groups: dict[tuple, dict[int, MethodLine]] = {}
    for place, line in enumerate(found):
        at_floor = line.has_nothing_to_forget if name in FORGETTING else line.is_at_floor
        at_floor |= name in SCORES and line.is_lost(name)
        if not (line.is_control or at_floor or np.isnan(line.number(name)[0])):
            groups.setdefault((line.model, line.of, line.orders), {})[place] = line
    plain: dict[tuple, set[tuple[str, ...]]] = {}
    for line in found:
        if line.method == PLAIN and not line.is_control:
            plain.setdefault((line.model, line.of), set()).add(line.orders)
    return {
        place
        for (model, of, orders), group in groups.items()
        if len(group) > 1 and orders in plain.get((model, of), {orders})
        for place in _tied(group, name)
    }


def _tied(group: Mapping[int, MethodLine], name: str) -> set[int]:
    sign = -1 if name in LOWER_IS_BETTER else 1
    best = max(group, key=lambda place: sign * group[place].number(name)[0])
    others = {
        place: _is_tied(line, group[best], name) for place, line in group.items() if place != best
    }
    if all(tied is None for tied in others.values()):
        return set()
    return {best} | {place for place, tied in others.items() if tied}


def _is_tied(line: MethodLine, best: MethodLine, name: str) -> bool | None:
    """Whether a line may be as good as the best; None if nothing tells."""
    paired = pairs_by_seeds(line, best, name)
    if len(paired) >= FEWEST_PAIRS:
        test = paired_difference(paired, [0.0] * len(paired))
        return test.low <= 0 <= test.high
    _, low, high = line.number(name)
    return None if np.isnan(low) else low <= best.number(name)[0] <= high


def pairs_by_seeds(line: MethodLine, best: MethodLine, name: str) -> list[float]:
    """A measure of the line less that of another, a value per pair of seeds that both have."""
    by_unit = {
        key: values.get(name, np.nan) - best.units.get(key, {}).get(name, np.nan)
        for key, values in line.units.items()
    }
    by_unit = {key: value for key, value in by_unit.items() if not np.isnan(value)}
    if all(len(key) == len(SEEDS) for key in by_unit):
        by_unit = replicates(by_unit, TRAIN_SEEDS)[1]
    return list(by_unit.values())
