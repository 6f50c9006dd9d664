"""What a run shows of its domains: F1 of end tasks, cloze and loss, own, final and forgotten.

Own is right after the domain's own stage (the first that trains on it), final after the last stage,
both means over the domains that a stage of the run taught; base is before the first stage.
Forgotten is own - final as a mean over all domains but those of the last stage (Ke et al. 2023,
`fr_ke`); of loss it is final - own, so that more is worse in all three.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from lethe.longtables.axes import DOMAIN
from lethe.longtables.run import SEEDS
from lethe.longtables.tables import RUN_COLUMNS, run_key
from lethe.metrics.end_tasks import percentages, stages_of
from lethe.metrics.masked_loss import LOSSES, domain_of
from lethe.metrics.shown import LINE_COLUMNS

Measure = Literal["f1", "cloze", "loss"]
Part = Literal["base", "own", "final", "forgotten"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
PARTS: tuple[Part, ...] = get_args(Part)
CLOZE, END_TASK = "cloze", "end_task"
POINTS = 100.0
IN_END_TASKS: dict[Part, str] = {"forgotten": "fr_ke"}
"""Names of the parts in `lethe.metrics.end_tasks`, where they are others."""
Seeds = tuple[int | None, ...]


@dataclass(frozen=True)
class RunOutcomes:
    """One run. line: as in `lethe.metrics.shown`. seeds: of world, base and training.

    values: by measure and part; F1 and cloze in points, loss in nats. What the run has no cells
    for is absent, and nan where one of them is missing.
    """

    line: tuple
    seeds: Seeds
    values: dict[tuple[Measure, Part], float]


def run_outcomes(scores: pd.DataFrame) -> list[RunOutcomes]:
    """The outcomes of every run that has any, in the order of the table of scores."""
    tested = scores[scores["split"] == "test"]
    names = sorted(tested.loc[tested["kind"] == END_TASK, "probe"].unique())
    sets = {
        measure: sorted(of_measure(tested, measure)["probe"].unique()) for measure in MEASURES[1:]
    }
    found = []
    for _, rows in tested.groupby(RUN_COLUMNS, dropna=False, sort=False):
        words = dict(zip(RUN_COLUMNS, run_key(rows.iloc[0]), strict=True))
        values = _of_end_tasks(rows[rows["kind"] == END_TASK], names)
        for measure, probes in sets.items():
            values |= _of_sets(of_measure(rows, measure), measure, probes)
        if values:
            line = tuple(words[name] for name in LINE_COLUMNS)
            seeds = tuple(None if words[name] is None else int(words[name]) for name in SEEDS)
            found.append(RunOutcomes(line, seeds, values))
    return found


def outcome(
    found: Iterable[RunOutcomes], measure: Measure, part: Part
) -> dict[tuple, dict[Seeds, float]]:
    """By line and seeds, one number; runs without it, or with a missing cell, are left out."""
    values: dict[tuple, dict[Seeds, float]] = {}
    for run in found:
        value = run.values.get((measure, part), np.nan)
        if not np.isnan(value):
            values.setdefault(run.line, {})[run.seeds] = value
    return values


def domain_cells(rows: pd.DataFrame, probes: list[str]) -> pd.DataFrame:
    """One run's cells on each domain that a stage of it taught, by PARTS; one metric, no subsets.

    probes: the sets of the study; those of other domains are left out. forgotten is own - final,
    nan for domains that only the last stage taught.
    """
    cells = rows.set_index(["probe", "stage_index"])["value"].astype(float)
    stages, last = stages_of(rows), int(rows["stage_index"].max())
    taught = {probe: stages[domain_of(probe)] for probe in probes if domain_of(probe) in stages}
    found = []
    for probe, stage in taught.items():
        base, own, final = (cells.get((probe, place), np.nan) for place in (0, stage, last))
        change = own - final if stage < last else np.nan
        found.append((base, own, final, change, stage < last))
    columns = [*PARTS, "is_earlier"]
    return pd.DataFrame(found, index=list(taught), columns=columns)


def of_measure(scores: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """The rows of cloze or loss on sets of the domains."""
    metrics = LOSSES if measure == "loss" else (CLOZE,)
    of_domains = (scores["axis"] == DOMAIN) & (scores["subset"] == "")
    return scores[of_domains & scores["metric"].isin(metrics)]


def chance_of(rows: pd.DataFrame, measure: Measure) -> float:
    """The mean chance level of a measure's sets in points; of end tasks without one, cloze's.

    nan if neither is known, as for end tasks of data from elsewhere.
    """
    is_f1 = (rows["kind"] == END_TASK) & rows["headline"].astype(bool)
    chosen = rows[is_f1] if measure == "f1" else of_measure(rows, measure)
    known = chosen.loc[chosen["chance"].notna(), "chance"].astype(float)
    if len(known):
        return POINTS * float(known.mean())
    return chance_of(rows, "cloze") if measure == "f1" else np.nan


def _of_end_tasks(rows: pd.DataFrame, names: list[str]) -> dict[tuple[Measure, Part], float]:
    if not len(rows):
        return {}
    numbers = percentages(rows, names)
    return {
        ("f1", part): numbers.get(f"f1_{IN_END_TASKS.get(part, part)}", np.nan) for part in PARTS
    }


def _of_sets(
    rows: pd.DataFrame, measure: Measure, probes: list[str]
) -> dict[tuple[Measure, Part], float]:
    if not len(rows):
        return {}
    cells = domain_cells(rows, probes)
    if not len(cells):
        return {}
    sign, scale = (-1.0, 1.0) if measure == "loss" else (1.0, POINTS)
    values: dict[tuple[Measure, Part], float] = {}
    for part in PARTS:
        of_part = (
            cells[part] if part != "forgotten" else sign * cells.loc[cells["is_earlier"], part]
        )
        mean = of_part.mean(skipna=False) if len(of_part) else np.nan
        values[measure, part] = float(scale * mean)
    return values
