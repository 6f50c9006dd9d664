"""The long table of calibration: how far a set's probabilities of the choices can be believed."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from lethe.longtables.axes import BIAS, CALIBRATION
from lethe.longtables.calibration_columns import (
    BY_CHANCE,
    CHANGE,
    COVERAGE,
    RANGES,
    range_of,
)
from lethe.longtables.rows import SCHEMA_VERSION
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.schema import columns
from lethe.longtables.tables import of_run, runs
from lethe.metrics.drawn_clusters import Names, number_behind
from lethe.metrics.intervals import RESAMPLES
from lethe.metrics.over_seeds import over_seeds
from lethe.metrics.probabilities import ece_if_calibrated
from lethe.metrics.resampled_probabilities import Drawn, Measured, SameItems, of_set
from lethe.metrics.resamples import same_items
from lethe.metrics.row_intervals import FEW, ONE_CLUSTER, WITHIN
from lethe.metrics.set_means import OfSet, interval_over_sets
from lethe.metrics.shared_clusters import Place, drawn_together
from lethe.metrics.warnings import COLLAPSED

NOT_SCORED = "missing: not scored"
NOT_KEPT = "log-probabilities of choices not kept"
OTHER_ITEMS = "other items than the base"
FEW_ITEMS = "too few items for a threshold"
DRAWN = "drawn"
"""In the row of a set that shares clusters, beside the columns: what is behind its number."""


def study_calibration(
    scores: pd.DataFrame,
    items: Mapping[str, pd.DataFrame],
    seed: int,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """The rows of calibration.csv of all runs in the table of scores.

    One for every run, multiple-choice set, stage and measure; means over the sets of an axis; means
    over runs that differ in their seeds only. Sets of bias have no right answer and are left out.

    Args:
        items: tables of items by evaluation set, with their choices; each is asked for once.
        seed: of the bootstrap.
    """
    asked = _asked(scores)
    rows: list[dict] = []
    scored = {str(probe): cells for probe, cells in asked.groupby("probe") if probe in items}
    together = drawn_together(items, scored)
    # What means over sets need is large, so it is held for the sets of one axis.
    for axis in asked["axis"].unique():
        of_axis: list[dict] = []
        for probe, cells in scored.items():
            if (chosen := cells["axis"] == axis).any():
                parts = _of_set(probe, cells[chosen], items[probe], seed, resamples, together)
                of_axis += parts
        rows += _of_axes(of_axis)
        rows += [{name: row[name] for name in row if name != DRAWN} for row in of_axis]
    rows += over_seeds(rows)
    names = columns("calibration")
    frame = pd.DataFrame(rows, columns=names).assign(schema_version=SCHEMA_VERSION)
    return frame.sort_values(["axis", "probe"], kind="stable", ignore_index=True)


def _asked(scores: pd.DataFrame) -> pd.DataFrame:
    """A row for every run, stage and set that may have choices: its node, axis and stage.

    A set that a run was not scored on after some stage of its order has a row without a node there.
    """
    tested = scores[(scores["split"] == "test") & scores["kind"].isin(("probe", "own_task"))]
    tested = tested[~tested["axis"].isin([BIAS, CALIBRATION]) & (tested["subset"] == "")]
    names = [*RUN_COLUMNS, "params", "stage_index", "stage_task", "axis", "probe", "node"]
    tested = tested[names].drop_duplicates()
    stages = tested[["order", "stage_index", "stage_task"]].drop_duplicates(
        ["order", "stage_index"]
    )
    constant = [name for name in names if name not in ("stage_index", "stage_task", "node")]
    every = tested[constant].drop_duplicates().merge(stages, on="order")
    same = [*constant, "stage_index"]
    lacking = every.merge(tested[same], on=same, how="left", indicator=True)
    lacking = lacking[lacking["_merge"] == "left_only"].drop(columns="_merge").assign(node="")
    return pd.concat([tested, lacking]) if len(lacking) else tested


def _of_set(
    probe: str,
    cells: pd.DataFrame,
    items: pd.DataFrame,
    seed: int,
    resamples: int,
    together: Mapping[Place, Names],
) -> list[dict]:
    """The rows of one set; none if it has no choices."""
    if items["margin"].isna().all():
        return []
    parts = [
        SameItems(
            probe, nodes, items, places, seed, resamples, together.get((probe, str(nodes[0])), ())
        )
        for nodes, places in same_items(probe, items)
    ]
    drawn = {node: part.drawn(node) for part in parts for node in part.nodes}
    rows = []
    for run in runs(cells):
        chain = of_run(cells, run).sort_values("stage_index")
        first = chain.iloc[0]
        base = drawn.get(first["node"]) if first["stage_index"] == 0 else None
        for cell in chain.to_dict("records"):
            head = {name: cell[name] for name in chain.columns if name != "node"} | {"subset": ""}
            if cell["node"]:
                rows += [head | row for row in _of_cell(drawn.get(cell["node"]), base)]
            else:
                rows += [head | row for row in _without(NOT_SCORED)]
    return rows


def _of_cell(drawn: Drawn | None, base: Drawn | None) -> Iterator[dict]:
    """Every measure of one checkpoint, and its difference to the base."""
    if drawn is None or not drawn.is_kept:
        yield from _without(NOT_KEPT, 0 if drawn is None else len(drawn.items.rows))
        return
    common = _common_notes(drawn)
    here: dict[str, Measured | None] = {**drawn.measured, COVERAGE: None}
    there: dict[str, Measured | None] = {}
    if base is None or not base.is_kept:
        missing = f"{NOT_KEPT} at the base"
    elif not base.knows_as(drawn):
        missing = OTHER_ITEMS
    else:
        missing = FEW_ITEMS
        here[COVERAGE] = drawn.coverage(base)
        there = {**base.measured, COVERAGE: base.coverage(base)}
    for name in RANGES:
        after, before = here[name], there.get(name)
        yield _valued(name, after, drawn, [*common, "" if after else missing])
        change = after - before if after and before else None
        yield _valued(f"{name}{CHANGE}", change, drawn, [*common, "" if change else missing])
    yield _row(
        BY_CHANCE, ece_if_calibrated(drawn.found.confidence), drawn.n, note="; ".join(common)
    )


def _without(note: str, n: int = 0) -> Iterator[dict]:
    """Every measure, without a value."""
    for name in (*RANGES, BY_CHANCE, *(f"{name}{CHANGE}" for name in RANGES)):
        yield _row(name, np.nan, n, note=note)


def _valued(name: str, measured: Measured | None, drawn: Drawn, notes: list[str]) -> dict:
    """The row of a measure with its interval."""
    if measured is None:
        return _row(name, np.nan, drawn.n, note="; ".join(filter(None, notes)))
    found = of_set(name, measured, drawn)
    units, unit = drawn.items.clusters, drawn.items.draw.unit
    if np.isnan(found.low):
        units, unit = 0, "none"
        notes = [*notes, ONE_CLUSTER]
    elif drawn.items.is_few:
        notes = [*notes, FEW]
    note = "; ".join(filter(None, notes))
    row = _row(name, found.value, drawn.n, found.low, found.high, units, unit, note)
    return row | ({DRAWN: found.drawn} if found.drawn else {})


def _row(
    name: str,
    value: float,
    n: int,
    low: float = np.nan,
    high: float = np.nan,
    units: int = 0,
    unit: str = "none",
    note: str = "",
) -> dict:
    numbers = {"metric": name, "value": value, "low": low, "high": high}
    numbers |= {"n": n, "n_units": units, "unit": unit, "note": note}
    return numbers | {WITHIN: range_of(name)}


def _common_notes(drawn: Drawn) -> list[str]:
    """What a reader must know of all numbers of a checkpoint."""
    notes = []
    low, high = int(drawn.choices.min()), int(drawn.choices.max())
    if low != high:
        notes.append(f"{low} to {high} choices")
    if drawn.n < len(drawn.items.rows):
        left_out = len(drawn.items.rows) - drawn.n
        notes.append(f"{left_out} items without log-probabilities or right answer left out")
    if drawn.commonest >= COLLAPSED:
        notes.append("collapsed answers")
    return notes


def _of_axes(rows: list[dict]) -> list[dict]:
    """Means over the sets of each axis; sets without a value are left out, and a note says why."""
    keys = [*RUN_COLUMNS, "params", "stage_index", "stage_task", "axis", "metric"]
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row[name]) for name in keys), []).append(row)
    return [
        {name: group[0][name] for name in keys} | {"probe": "", "subset": ""} | _mean(group)
        for group in groups.values()
    ]


def _mean(group: list[dict]) -> dict:
    """The mean of one measure over sets."""
    name = group[0]["metric"]
    valued = [row for row in group if not np.isnan(row["value"])]
    sets_drawn = [row.get(DRAWN) for row in valued]
    parts = [
        OfSet(row["value"], row["low"], row["high"], drawn)
        for row, drawn in zip(valued, sets_drawn, strict=True)
    ]
    within = range_of(name)
    low, high = np.clip(interval_over_sets(parts, name == COVERAGE, within), *within)
    units, unit = 0, "none"
    if not np.isnan(low):
        clusters = [drawn.clusters if drawn else None for drawn in sets_drawn]
        units = number_behind(clusters, [row["n_units"] for row in valued])
        unit = max((row["unit"] for row in valued), key=len)
    sets: dict[str, list[str]] = {}
    for row in group:
        for note in filter(None, row["note"].split("; ")):
            sets.setdefault(note, []).append(row["probe"])
    note = "; ".join(f"{note}: {', '.join(probes)}" for note, probes in sorted(sets.items()))
    value = float(np.mean([part.value for part in parts])) if parts else np.nan
    n = sum(row["n"] for row in valued)
    return _row(name, value, n, float(low), float(high), units, unit, note)
