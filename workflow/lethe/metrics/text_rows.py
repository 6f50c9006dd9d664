"""Loss on held-out texts of no domain in the metrics table: by stage, at both ends, and its rise.

Such sets have `texts` and any axis but `domain`. No stage trains on them, so what they show is how
well a model still reads such prose; perplexity is exp of the loss. In nats a predicted token.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lethe.longtables.axes import DOMAIN
from lethe.longtables.metric_ids import TEXT_LOSS
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import of_run, runs
from lethe.metrics.cells import Cells, Evaluation, read_cells
from lethe.metrics.domain_rows import Terms, row_of_terms
from lethe.metrics.masked_loss import LOSSES
from lethe.metrics.metric_rows import Place
from lethe.metrics.resamples import ItemResamples


def text_rows(
    scores: pd.DataFrame, items: Mapping[str, pd.DataFrame], seed: int, resamples: int
) -> list[dict]:
    """The rows of all runs that were scored on such texts, without those over seeds.

    `text_loss` is a set's loss after a stage; `text_loss_base`, `_final` and `_risen` (final -
    base: positive = forgotten) are of a set, or without a set means over those of an axis. A stage
    after which a set was not scored has no row.
    """
    part = scores[
        (scores["split"] == "test")
        & (scores["axis"] != DOMAIN)
        & (scores["subset"] == "")
        & scores["metric"].isin(LOSSES)
    ]
    rows: list[dict] = []
    if not len(part):
        return rows
    drawn = ItemResamples(items, part, seed, resamples)
    for run in runs(part):
        of_one = of_run(part, run)
        head = dict(zip(RUN_COLUMNS, run, strict=True)) | {"params": of_one["params"].iloc[0]}
        # Of all scores: where texts were not read after the last stage, there is no other last one.
        cells = read_cells(scores, of_one, run, _sets(of_one), drawn)
        rows += [{**head, **row} for row in _of_run(cells)]
    return rows


def _sets(rows: pd.DataFrame) -> list[Evaluation]:
    """The sets that a run was scored on."""
    names = rows[["axis", "probe", "metric"]].drop_duplicates().sort_values(["axis", "probe"])
    return [
        Evaluation(str(axis), str(probe), "", str(metric), lower_is_better=True)
        for axis, probe, metric in names.itertuples(index=False, name=None)
    ]


def _of_run(cells: Cells) -> list[dict]:
    rows = []
    last = len(cells.history)
    parts: dict[str, Terms] = {"base": {0: 1.0}}
    if last:
        parts |= {"final": {last: 1.0}, "risen": {last: 1.0, 0: -1.0}}
    by_axis: dict[str, list[int]] = {}
    for column, one in enumerate(cells.evaluations):
        by_axis.setdefault(one.axis, []).append(column)
        for stage, task in enumerate(["", *cells.history]):
            if not np.isnan(cells.values[stage, column]):
                place = Place(one.axis, one.probe, "", stage, task)
                rows.append(row_of_terms(cells, TEXT_LOSS, place, {column: {stage: 1.0}}))
        for part, terms in parts.items():
            place = Place(one.axis, one.probe)
            rows.append(row_of_terms(cells, f"{TEXT_LOSS}_{part}", place, {column: terms}))
    for axis, columns in by_axis.items():
        rows += [
            row_of_terms(cells, f"{TEXT_LOSS}_{part}", Place(axis), dict.fromkeys(columns, terms))
            for part, terms in parts.items()
        ]
    return rows
