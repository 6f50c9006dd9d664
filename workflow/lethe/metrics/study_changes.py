"""The long table of changes: what became of single items between a study's checkpoints."""

from collections.abc import Iterable, Mapping

import pandas as pd

from lethe.longtables.axes import OF_DOMAINS
from lethe.longtables.change_columns import ESTIMATES, WITH_INTERVAL
from lethe.longtables.rows import SCHEMA_VERSION
from lethe.longtables.schema import columns, parse_table, table_text
from lethe.metrics.cells import Evaluation
from lethe.metrics.changes_over import over_axes, over_seeds
from lethe.metrics.compared import Compared, answered, comparisons
from lethe.metrics.intervals import RESAMPLES
from lethe.metrics.set_changes import SetChanges

DECIMALS = 6


def study_changes(
    scores: pd.DataFrame,
    items: Mapping[str, pd.DataFrame],
    seed: int,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """The rows of changes.csv of all runs in the table of scores.

    Args:
        items: tables of items by evaluation set, with their choices; each is asked for once.
        seed: of the bootstrap.
    """
    scores = scores[~scores["kind"].isin(OF_DOMAINS)]
    sets: dict[str, list[Evaluation]] = {}
    for evaluation in answered(scores):
        sets.setdefault(evaluation.probe, []).append(evaluation)
    compared = comparisons(scores, {probe: parts[0].axis for probe, parts in sets.items()})
    chance = scores.drop_duplicates("probe").set_index("probe")["chance"].to_dict()
    rows: list[dict] = []
    for probe, parts in sets.items():
        if probe in items:
            of_set = SetChanges(parts[0], items[probe], chance[probe], seed, resamples)
            rows += _of_set(of_set, parts, compared[probe])
    rows += over_axes(rows)
    rows += over_seeds(rows)
    frame = pd.DataFrame(rows, columns=columns("changes")).assign(schema_version=SCHEMA_VERSION)
    ends = [f"{name}_{end}" for name in WITH_INTERVAL for end in ("low", "high")]
    frame = frame.astype(dict.fromkeys([*ESTIMATES, *ends], float)).round(DECIMALS)
    return parse_table("changes", table_text("changes", frame, "changes"), "changes")


def _of_set(
    of_set: SetChanges, parts: Iterable[Evaluation], compared: Iterable[Compared]
) -> list[dict]:
    """A row for each comparison and part of a set."""
    rows = []
    for one in compared:
        place = {name: getattr(one, name) for name in ("stage_index", "stage_task", "against")}
        place |= {"before_index": one.before_index}
        for part in parts:
            where = {"axis": part.axis, "probe": part.probe, "subset": part.subset}
            numbers = of_set.numbers(one.before, one.after, part.subset)
            rows.append({**one.words, **place, **where, **numbers})
    return rows
