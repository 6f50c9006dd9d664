"""Cloze and loss of domains in the metrics table: after every stage, own, final and forgotten.

The definitions are those of `domain_outcomes`; here they are rows by set and as means over the
domains that a run was taught, with intervals over items. In shares and nats.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lethe.longtables.axes import DOMAIN
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import of_run, runs
from lethe.metrics.cells import Cells, Evaluation, read_cells
from lethe.metrics.domain_outcomes import MEASURES, Measure, of_measure
from lethe.metrics.end_tasks import stages_of
from lethe.metrics.masked_loss import LOSSES, domain_of
from lethe.metrics.metric_rows import Place, metric_row
from lethe.metrics.resamples import ItemResamples
from lethe.metrics.row_intervals import Statistic

Terms = Mapping[int, float]
"""What is added: the factor of each stage."""


def domain_rows(
    scores: pd.DataFrame, items: Mapping[str, pd.DataFrame], seed: int, resamples: int
) -> list[dict]:
    """The rows of all runs that have cloze or loss of domains, without those over seeds.

    `cloze` and `loss` are a set's score after a stage; `cloze_base`, `_own`, `_final`, `_gained`
    and `_forgotten` are of a domain, or without a set means over domains; so are those of loss.
    """
    tested = scores[(scores["split"] == "test") & scores["headline"].astype(bool)]
    rows: list[dict] = []
    for measure in MEASURES[1:]:
        part = of_measure(tested, measure)
        if not len(part):
            continue
        drawn = ItemResamples(items, part, seed, resamples)
        for run in runs(part):
            of_one = of_run(part, run)
            head = dict(zip(RUN_COLUMNS, run, strict=True)) | {"params": of_one["params"].iloc[0]}
            # A set need not be scored after every stage: what the stages were, all scores tell.
            stages = stages_of(of_run(scores, run))
            cells = read_cells(scores, of_one, run, _sets(of_one), drawn)
            rows += [{**head, **row} for row in _of_run(cells, measure, stages)]
    return rows


def _sets(rows: pd.DataFrame) -> list[Evaluation]:
    """The sets that a run was scored on."""
    pairs = rows[["probe", "metric"]].drop_duplicates().sort_values("probe")
    return [
        Evaluation(DOMAIN, str(probe), "", str(metric), metric in LOSSES)
        for probe, metric in pairs.itertuples(index=False, name=None)
    ]


def _of_run(cells: Cells, measure: Measure, stages: Mapping[str, int]) -> list[dict]:
    """stages: the first that trains on each domain."""
    rows = []
    for column, one in enumerate(cells.evaluations):
        for stage, task in enumerate(["", *cells.history]):
            place = Place(DOMAIN, one.probe, "", stage, task)
            rows.append(row_of_terms(cells, measure, place, {column: {stage: 1.0}}))
    last = len(cells.history)
    taught = {
        column: stages[domain]
        for column, one in enumerate(cells.evaluations)
        if (domain := domain_of(one.probe)) in stages
    }
    by_part: dict[str, dict[int, Terms]] = {}
    for column, stage in taught.items():
        place = Place(DOMAIN, cells.evaluations[column].probe, "", None, cells.history[stage - 1])
        for part, terms in _parts(measure, stage, last).items():
            rows.append(row_of_terms(cells, f"{measure}_{part}", place, {column: terms}))
            by_part.setdefault(part, {})[column] = terms
    rows += [
        row_of_terms(cells, f"{measure}_{part}", Place(DOMAIN), terms)
        for part, terms in by_part.items()
    ]
    return rows


def _parts(measure: Measure, own: int, last: int) -> dict[str, Terms]:
    """What is added for each number of a domain; what the last stage taught is not forgotten yet.

    A loss falls with learning, so its signs turn.
    """
    sign = -1.0 if measure == "loss" else 1.0
    forgotten = {"forgotten": {own: sign, last: -sign}} if own < last else {}
    return {
        "base": {0: 1.0},
        "own": {own: 1.0},
        "final": {last: 1.0},
        "gained": {own: sign, 0: -sign},
        **forgotten,
    }


def row_of_terms(cells: Cells, name: str, place: Place, terms: Mapping[int, Terms]) -> dict:
    """The mean over columns of sums of their cells. terms: by column."""
    columns = list(terms)
    missing = [
        f"the cell (stage {stage}, {cells.evaluations[column].name}) is missing"
        for column, of_column in terms.items()
        for stage in sorted(of_column)
        if np.isnan(cells.values[stage, column])
    ]
    if missing:
        return metric_row(place, name, np.nan, cells, columns, missing[0])
    function = _mean_of(list(terms.values()))
    return metric_row(place, name, float(function(cells.values[:, columns])), cells, columns, "",
                      function)  # fmt: skip


def _mean_of(terms: list[Terms]) -> Statistic:
    """The statistic of as many columns as there are terms."""

    def function(scores: np.ndarray) -> np.ndarray:
        total = np.zeros(scores.shape[:-2])
        for column, of_column in enumerate(terms):
            for stage, factor in of_column.items():
                total = total + factor * scores[..., stage, column]
        return total / len(terms)

    return function
