"""The long table of changes: what became of single items between a study's checkpoints."""

from collections.abc import Iterable, Mapping
from itertools import groupby

import pandas as pd

from lethe.longtables.axes import OF_DOMAINS
from lethe.longtables.change_columns import ESTIMATES, WITH_INTERVAL
from lethe.longtables.rows import SCHEMA_VERSION
from lethe.longtables.schema import columns, parse_table, table_text
from lethe.metrics.cells import Evaluation
from lethe.metrics.changes_over import over_axes, over_seeds
from lethe.metrics.compared import Compared, answered, comparisons
from lethe.metrics.intervals import RESAMPLES
from lethe.metrics.set_changes import CLUSTERS, ESTIMATED, SetChanges
from lethe.metrics.shared_clusters import drawn_together

DECIMALS = 6
BEHIND = (CLUSTERS, ESTIMATED)


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
    scored = {probe: parts for probe, parts in sets.items() if probe in items}
    together = drawn_together(items, scored)
    rows: list[dict] = []
    means: list[dict] = []
    # What means over sets need is large, so it is held for the sets of one axis.
    for _, probes in groupby(scored, key=lambda probe: scored[probe][0].axis):
        of_axis: list[dict] = []
        for probe in probes:
            of_set = SetChanges(
                scored[probe][0], items[probe], chance[probe], seed, resamples, together
            )
            of_axis += _of_set(of_set, scored[probe], compared[probe])
        means += over_axes(of_axis)
        rows += [{name: row[name] for name in row if name not in BEHIND} for row in of_axis]
    rows += means
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
