"""What tables of end tasks share: the end-task scores of every line by unit, and their cells."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lethe.longtables.tables import LongTables, of_run, run_key, runs
from lethe.metrics.bounds import learned_nothing
from lethe.metrics.domain_outcomes import chance_of
from lethe.metrics.end_task_intervals import UNITS, less, nearness
from lethe.metrics.end_tasks import (
    ONCE,
    RUN,
    alone_together,
    by_unit,
    percentages,
    range_of,
    stages_of,
    task_metrics,
)
from lethe.metrics.intervals import EVERYWHERE, Range, interval_of_units
from lethe.metrics.masked_loss import mean_rise, test_losses
from lethe.metrics.methods import OWN_BASE
from lethe.metrics.shown import LINE_COLUMNS, PLAIN, lines
from lethe.tables.lines import words

NONE = "none"
LOSS_RISE = "mlm_loss_delta"
NOTHING = "the study has no end tasks"
SUMMARY = "f1_final"
# Measures of the matrix of end tasks that are a summary, with their sign.
SUMMARY_OF = {
    OWN_BASE: (1, "f1_base"), "la": (1, "f1_own"), "acc": (1, SUMMARY), "bwt_gem": (-1, "f1_fr_ke"),
}  # fmt: skip
SAME = 1e-6
# By unit, as in `lethe.metrics.end_tasks.by_unit`: final scores and summaries in %.
Units = dict[tuple, dict[str, float]]


@dataclass(frozen=True)
class Within:
    """A number of a single run with its interval over its items' clusters."""

    value: float
    low: float
    high: float
    units: int
    unit: str


@dataclass(frozen=True)
class EndTaskLine:
    """One model, method, recipe and order.

    stages: 0 before the first domain, 1 for a pool or one domain. domains: what its stages train
    on. over: what a unit is. reasons: why a metric of the matrix of end tasks has no value. rises:
    by run, the mean rise of masked-LM loss over the domains but the last, in nats. items: of a
    single run whose items are known, by metric and end task, what the metrics table says of it.
    chance: of the end tasks' scores, in %; nan where it is not known.
    """

    model: str
    method: str
    order: str
    entry: str
    recipe: str
    parametrisation: str
    stages: int
    domains: frozenset[str]
    over: str
    units: Units
    end_task_seeds: int
    rises: tuple[float, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    items: dict[tuple[str, str], Within] = field(default_factory=dict)
    chance: float = np.nan

    @property
    def is_continual(self) -> bool:
        """Whether a later stage can make it forget an earlier domain."""
        return self.stages > 1

    @property
    def is_at_floor(self) -> bool:
        """Whether it learned nothing: own scores not above those before any domain, at chance."""
        own, base = self.cell("f1_own")["f1_own"], self.cell("f1_base")["f1_base"]
        return learned_nothing(own, base, self.chance)

    def words(self) -> dict:
        """The columns that name the line of a row."""
        return {"model": self.model, "method": self.method, "order": self.order}

    def behind(self) -> dict:
        """The columns that state what intervals are over: `5 runs`; `4 of 5 runs` if one is nan."""
        with_value = sum(not np.isnan(unit.get("f1_final", np.nan)) for unit in self.units.values())
        part = "" if with_value == len(self.units) else f"{with_value} of "
        if found := self.within(SUMMARY):
            return {
                "interval_over": f"{found.units} {found.unit}",
                "end_task_seeds": self.end_task_seeds,
            }
        over = self.over if len(self.units) != 1 else self.over.removesuffix("s")
        return {
            "interval_over": f"{part}{len(self.units)} {over}",
            "end_task_seeds": self.end_task_seeds,
        }

    def cell(self, name: str) -> dict[str, float]:
        """{name, name_low, name_high}: mean over the units that have the number, and interval."""
        if name == LOSS_RISE:
            return with_interval(name, list(self.rises), EVERYWHERE)
        values = [unit.get(name, np.nan) for unit in self.units.values()]
        found = with_interval(name, values, range_of(name))
        if self.items:
            within = self._of_measure(name, found[name]) or self.within(name)
            ends = (within.low, within.high) if within else (np.nan, np.nan)
            found |= dict(zip((f"{name}_low", f"{name}_high"), ends, strict=True))
        return found

    def _of_measure(self, name: str, value: float) -> Within | None:
        """The summary that a measure of the matrix is, if no stage lacks an end task."""
        sign, summary = SUMMARY_OF.get(name, (1, ""))
        found = self.items.get((summary, ""))
        if found is None or not abs(sign * found.value - value) < SAME:
            return None
        low, high = sorted((sign * found.low, sign * found.high))
        return replace(found, value=value, low=low, high=high)

    def within(self, name: str) -> Within | None:
        """A summary, or an end task's final score, with its interval over items; None without."""
        part = "base" if self.entry == NONE else "final"
        metric = name.replace("final", part)
        return self.items.get((metric, "")) or self.items.get((f"f1_{part}", name))

    def less(self, name: str, other: "EndTaskLine") -> Within | None:
        """A summary less another line's, with its interval over items; None without one."""
        return self.items.get((less(name, other.entry), ""))


def end_task_lines(tables: LongTables) -> tuple[list[str], list[EndTaskLine]]:
    """The end tasks in the order of their domains, and every line, after its model's base."""
    rises = _rises(test_losses(tables.scores))
    scores = tables.scores
    scores = scores[(scores["kind"] == "end_task") & (scores["split"] == "test")]
    scores = alone_together(scores)
    keys = list(scores[LINE_COLUMNS].itertuples(index=False, name=None))
    names = _in_order(scores)
    end_lines: list[EndTaskLine] = []
    for line in lines(scores):
        rows = scores[[key == line for key in keys]]
        how = line[LINE_COLUMNS.index("parametrisation")]
        named = words(line, scores) | {"parametrisation": how}
        entry = line[LINE_COLUMNS.index("method")]
        if not any(end_line.model == named["model"] for end_line in end_lines):
            # Runs share their base, and each of them repeats its scores.
            before = rows[rows["stage_index"] == 0].drop_duplicates(ONCE)
            untrained = {**named, "method": NONE, "order": "", "recipe": ""}
            end_lines.append(_line(untrained, NONE, before, names, found=tables.end_tasks))
        model = tables.scores[tables.scores["model"] == line[LINE_COLUMNS.index("model")]]
        named["recipe"] = line[LINE_COLUMNS.index("recipe")]
        rise = rises.get(line, ())
        made = _line(named, entry, rows, names, rise, tables.end_tasks)
        end_lines.append(replace(made, chance=chance_of(model, "f1")))
    # Methods of one order are compared, so they stand beside each other.
    places = {
        (end_line.model, end_line.order): place
        for place, end_line in reversed(list(enumerate(end_lines)))
    }
    return names, sorted(end_lines, key=lambda end_line: places[end_line.model, end_line.order])


def plain_line(line: EndTaskLine, end_lines: list[EndTaskLine]) -> EndTaskLine | None:
    """The line of plain training on the same model and order, as `entry_line`."""
    return entry_line(PLAIN, line, end_lines)


def entry_line(entry: str, line: EndTaskLine, end_lines: list[EndTaskLine]) -> EndTaskLine | None:
    """The line of a method of the catalogue on the same model and order.

    That with all weights trained, else as the line's are, and with the line's own recipe; if there
    is none, the first.
    """
    place = (line.model, line.order, entry)
    found = [other for other in end_lines if (other.model, other.order, other.entry) == place]
    own = (line.parametrisation, line.recipe)
    found.sort(key=lambda other: nearness(other.parametrisation, other.recipe, own))
    return next(iter(found), None)


def main_order(end_lines: list[EndTaskLine]) -> str:
    """The continual order that most lines were taught; of equally common ones the first."""
    counts: dict[str, int] = {}
    for line in end_lines:
        if line.is_continual:
            counts[line.order] = counts.get(line.order, 0) + 1
    return max(counts, key=lambda order: counts[order], default="")


def with_interval(name: str, values: list[float], within: Range) -> dict[str, float]:
    """{name, name_low, name_high} of the values that are not nan; within: their range."""
    finite = np.array([value for value in values if not np.isnan(value)])
    low, high = interval_of_units([*finite], within)
    mean = float(finite.mean()) if len(finite) else np.nan
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _rises(losses: pd.DataFrame) -> dict[tuple, tuple[float, ...]]:
    """By line, the rise of every run that has one."""
    rises: dict[tuple, tuple[float, ...]] = {}
    for _, run in losses.groupby(LINE_COLUMNS + RUN, dropna=False):
        line = next(run[LINE_COLUMNS].itertuples(index=False, name=None))
        rise = mean_rise(run)
        if not np.isnan(rise):
            rises[line] = (*rises.get(line, ()), rise)
    return rises


def _line(
    named: dict,
    entry: str,
    rows: pd.DataFrame,
    names: list[str],
    rises: tuple[float, ...] = (),
    found: pd.DataFrame | None = None,
) -> EndTaskLine:
    over, parts = by_unit(rows)
    stages = stages_of(rows)
    matrices = {key: task_metrics(part, names) for key, part in parts.items()}
    return EndTaskLine(
        model=named["model"],
        method=named["method"],
        order=named["order"],
        entry=entry,
        recipe=named["recipe"],
        parametrisation=named["parametrisation"],
        stages=int(rows["stage_index"].max()) if len(rows) else 0,
        domains=frozenset(stages),
        over=over,
        units={key: percentages(part, names) | matrices[key][0] for key, part in parts.items()},
        end_task_seeds=rows["end_task_seed"].dropna().nunique(),
        rises=rises,
        reasons={name: why for _, reasons in matrices.values() for name, why in reasons.items()},
        items=_within_run(found, rows) if over == "end-task seeds" else {},
    )


def _within_run(found: pd.DataFrame | None, rows: pd.DataFrame) -> dict[tuple, Within]:
    """What the metrics table says of the run of some scores, with intervals over its items."""
    if found is None or not len(found) or not len(rows):
        return {}
    found = of_run(found[found["unit"].isin(UNITS)], run_key(rows.iloc[0]))
    columns = ["metric", "probe", "value", "low", "high", "n_units", "unit"]
    return {
        (metric, probe): Within(*numbers)
        for metric, probe, *numbers in found[columns].itertuples(index=False, name=None)
    }


def _in_order(scores: pd.DataFrame) -> list[str]:
    """End tasks in the order of the first run's domains; those without a stage there last."""
    pairs = dict(scores[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    places = stages_of(of_run(scores, runs(scores)[0])) if len(scores) else {}
    return sorted(pairs, key=lambda name: (places.get(pairs[name], len(places) + 1), name))
