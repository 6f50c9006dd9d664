"""What tables of domains share: every line's F1, cloze and loss by world, and their bounds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lethe.longtables.axes import DOMAIN
from lethe.longtables.run import SEEDS
from lethe.longtables.tables import LongTables
from lethe.metrics.bounds import (
    is_at_ceiling,
    is_at_chance,
    learned_nothing,
    loss_fell_too_little,
)
from lethe.metrics.domain_outcomes import (
    END_TASK,
    IN_END_TASKS,
    MEASURES,
    PARTS,
    POINTS,
    Measure,
    Part,
    RunOutcomes,
    Seeds,
    chance_of,
    run_outcomes,
)
from lethe.metrics.end_tasks import alone_together
from lethe.metrics.intervals import EVERYWHERE, NOT_NEGATIVE, Range, interval_of_units
from lethe.metrics.masked_loss import domain_of
from lethe.metrics.shown import LINE_COLUMNS, SEED_UNITS, lines
from lethe.tables.lines import words

UNITS = ("worlds", "bases", "train seeds")
Values = dict[tuple[Measure, Part], float]
Ends = tuple[float, float, float]
"""Value, low and high end."""


@dataclass(frozen=True)
class DomainLine:
    """One model, method, recipe and order.

    named: model, method and order. units: by world, or where there is one by base or train seed.
    over: what a unit is. of_items: intervals of a single run over stems, or texts for losses.
    chance: of scores, in points; nan where it is not known.
    """

    named: dict[str, str]
    units: dict[int | None, Values]
    over: str
    of_items: dict[tuple[Measure, Part], tuple[float, float]]
    chance: dict[Measure, float]

    def cell(self, measure: Measure, part: Part) -> Ends:
        """Mean over the units that have the number, and its 95 % interval."""
        every = [values.get((measure, part), np.nan) for values in self.units.values()]
        known = [value for value in every if not np.isnan(value)]
        if not known:
            return (np.nan,) * 3
        ends = interval_of_units(known, _range(measure, part))
        if len(self.units) == 1:
            ends = self.of_items.get((measure, part), ends)
        return (float(np.mean(known)), *ends)

    def bounds(self) -> str:
        """Which outcomes are at floor or ceiling, so that they cannot show forgetting."""
        found = {"floor": self._at(self._is_at_floor), "ceiling": self._at(self._is_at_ceiling)}
        return "; ".join(
            f"{', '.join(names)} at {bound}" for bound, names in found.items() if names
        )

    def behind(self) -> str:
        """What intervals are over: `5 worlds`, or of one run `stems (losses: texts)`."""
        if len(self.units) > 1:
            return f"{len(self.units)} {self.over}"
        measures = {measure for measure, _ in self.of_items}
        if measures <= {"loss"}:
            return "texts" if measures else ""
        return "stems (losses: texts)" if "loss" in measures else "stems"

    def _at(self, is_at) -> list[str]:
        return [{"f1": "F1"}.get(name, name) for name in MEASURES if is_at(name)]

    def _is_at_floor(self, measure: Measure) -> bool:
        base, own, final = (self.cell(measure, part)[0] for part in ("base", "own", "final"))
        if measure == "loss":
            return loss_fell_too_little(own, base)
        chance = self.chance.get(measure, np.nan)
        beside = any(is_at_chance(score, chance) for score in (own, final))
        return beside or learned_nothing(own, base, chance)

    def _is_at_ceiling(self, measure: Measure) -> bool:
        ends = [self.cell(measure, part)[0] for part in ("own", "final")]
        return measure != "loss" and all(map(is_at_ceiling, ends))


def domain_lines(tables: LongTables) -> list[DomainLine]:
    """Every line with an outcome of domains; chains of one domain each are one line."""
    scores = one_domain_each(tables.scores)
    of_run: dict[tuple, list[RunOutcomes]] = {}
    for run in run_outcomes(scores):
        of_run.setdefault(run.line, []).append(run)
    rows = scores[scores["kind"].ne("probe")]
    listed = [line for line in lines(rows) if line in of_run]
    return [_line(line, of_run[line], rows, tables) for line in listed]


def one_domain_each(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of domains, in which orders of one domain each are one order.

    There each domain is scored on its own model, as the row of Ke et al. 2023 has it.
    """
    is_set = scores["kind"].isin(("mlm", "lm", "cloze")) & (scores["axis"] == DOMAIN)
    chosen = scores[(is_set | (scores["kind"] == END_TASK)) & (scores["split"] == "test")]
    of_sets = is_set[chosen.index]
    domains = chosen["probe"].map(domain_of)
    joined = alone_together(chosen.assign(subset=chosen["subset"].mask(of_sets, domains)))
    return joined.assign(subset=joined["subset"].mask(of_sets[joined.index], ""))


def _range(measure: Measure, part: Part) -> Range:
    """The least and the greatest value of a number."""
    if measure == "loss":
        return EVERYWHERE if part == "forgotten" else NOT_NEGATIVE
    return (-POINTS, POINTS) if part == "forgotten" else (0.0, POINTS)


def _line(
    line: tuple, found: list[RunOutcomes], scores: pd.DataFrame, tables: LongTables
) -> DomainLine:
    place, over = _unit([run.seeds for run in found])
    by_unit: dict[int | None, list[Values]] = {}
    for run in found:
        by_unit.setdefault(run.seeds[place], []).append(run.values)
    of_line = scores[np.all([scores[n] == w for n, w in zip(LINE_COLUMNS, line, strict=True)], 0)]
    return DomainLine(
        named=words(line, scores),
        units={unit: _mean(values) for unit, values in by_unit.items()},
        over=over,
        of_items=_of_items(line, tables) if len(found) == 1 else {},
        chance={measure: chance_of(of_line, measure) for measure in ("f1", "cloze")},
    )


def _unit(seeds: list[Seeds]) -> tuple[int, str]:
    """The seed by which runs are units, and its words: the first of which there are several."""
    for place, over in enumerate(UNITS):
        if len({seed[place] for seed in seeds}) > 1:
            return place, over
    return len(SEEDS) - 1, UNITS[-1]


def _mean(runs: list[Values]) -> Values:
    """The mean over the runs of a unit; nan if one has no such number."""
    keys = dict.fromkeys(key for values in runs for key in values)
    return {key: float(np.mean([values.get(key, np.nan) for values in runs])) for key in keys}


def _of_items(line: tuple, tables: LongTables) -> dict[tuple[Measure, Part], tuple]:
    """Intervals of means over domains, from the metrics of domains and of end tasks."""
    found: dict[tuple[Measure, Part], tuple] = {}
    for metrics in (tables.domains, tables.end_tasks):
        if not len(metrics):
            continue
        whole = metrics[metrics["probe"] == ""]
        whole = whole[~whole["unit"].isin(SEED_UNITS) & whole["low"].notna()]
        same = np.all([whole[n] == w for n, w in zip(LINE_COLUMNS, line, strict=True)], axis=0)
        ends = whole[same].set_index("metric")[["low", "high"]]
        for measure in MEASURES:
            # Rows on end tasks are in points.
            scale = POINTS if measure == "cloze" else 1.0
            for part in PARTS:
                word = IN_END_TASKS.get(part, part) if measure == "f1" else part
                if (name := f"{measure}_{word}") in ends.index:
                    low, high = scale * ends.loc[name].to_numpy(float)
                    found[measure, part] = (float(low), float(high))
    return found
