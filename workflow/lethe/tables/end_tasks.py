"""End tasks after the last domain, and how much of what their domains gave is lost again."""

import numpy as np
import pandas as pd

from lethe.longtables import LongTables, of_run, runs
from lethe.metrics.end_tasks import ONCE, alone_together, by_unit, stages_of, summary
from lethe.metrics.intervals import t_interval
from lethe.metrics.shown import LINE_COLUMNS, PLAIN, Line, lines, order_of
from lethe.tables.lines import words
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

CAPTION = (
    "End tasks: copies of checkpoints, fine-tuned and scored on test sets; all numbers in %. A "
    "column per end task: its headline metric after the last stage. f1: the headline metrics' mean "
    "over end tasks, acc: that of accuracy; own: each right after the stage of its domain, final: "
    "after the last stage. fr_ke: mean over domains but the last of own - final, positive = "
    "forgetting, negative = backward gain (Ke et al. 2023). gain: final - final of `sequential` on "
    "the same order, paired by seeds. [95 % t-interval over what interval_over names, three or "
    "more; several runs are each a mean over their end-task seeds]. The method `none` is the model "
    "before the first stage; the order `each alone` has every end task on a model of "
    "its own domain."
)
NONE = "none"
PARTS = ("own", "final", "fr_ke")
Units = dict[tuple, dict[str, float]]


def build(tables: LongTables) -> Table:
    """A row per model before the first stage, and one per line."""
    scores = tables.scores
    scores = scores[(scores["kind"] == "end_task") & (scores["split"] == "test")]
    scores = alone_together(scores)
    keys = list(scores[LINE_COLUMNS].itertuples(index=False, name=None))
    names = _in_order(scores)
    units, rows = {}, {}
    for line in lines(scores):
        one = scores[[key == line for key in keys]]
        named = words(line, scores)
        if (named["model"], NONE) not in rows:
            # Runs share their base, whose scores are joined to every one of them.
            before = one[one["stage_index"] == 0].drop_duplicates(ONCE)
            over, known = _units(before, names)
            rows[named["model"], NONE] = {**named, "method": NONE, "order": ""} | _row(
                known, names, over, before
            )
        over, units[line] = _units(one, names)
        rows[named["model"], line] = {**named, **_row(units[line], names, over, one)}
    for line, known in units.items():
        rows[line[0], line] |= _gains(known, units.get(_plain_line(line, list(units))))
    return or_nothing(list(rows.values()), CAPTION, "the study has no end tasks")


def _in_order(scores: pd.DataFrame) -> list[str]:
    """End tasks in the order of the first run's domains; those of no stage of it by name last."""
    pairs = dict(scores[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    places = stages_of(of_run(scores, runs(scores)[0])) if len(scores) else {}
    return sorted(pairs, key=lambda name: (places.get(pairs[name], len(places) + 1), name))


def _units(rows: pd.DataFrame, names: list[str]) -> tuple[str, Units]:
    """What replicates, and by unit: {end task: final, f1_own, f1_final, ..., acc_fr_ke} in %."""
    over, parts = by_unit(rows)
    found = {}
    for key, part in parts.items():
        headline = part[part["headline"].astype(bool)]
        last = headline[headline["stage_index"] == part["stage_index"].max()]
        values = last.groupby("probe")["value"].mean().to_dict()
        accuracy = part[part["metric"] == "accuracy"]
        for word, chosen in (("f1", headline), ("acc", accuracy)):
            values |= {f"{word}_{k}": v for k, v in summary(chosen, names).items()}
        found[key] = {name: 100 * value for name, value in values.items()}
    return over, found


def _row(units: Units, names: list[str], over: str, rows: pd.DataFrame) -> dict:
    columns = [*names, *(f"{word}_{part}" for word in ("f1", "acc") for part in PARTS)]
    row: dict = {}
    for name in columns:
        row |= _with_interval(name, [unit.get(name, np.nan) for unit in units.values()])
    seeds = rows["end_task_seed"].dropna().nunique()
    return row | {"interval_over": f"{len(units)} {over}", "end_task_seeds": seeds}


def _plain_line(line: Line, known: list[Line]) -> Line | None:
    """The line of plain training on the same model and order."""
    method = LINE_COLUMNS.index("method")
    return next(
        (
            other
            for other in known
            if other[0] == line[0] and order_of(other) == order_of(line) and other[method] == PLAIN
        ),
        None,
    )


def _gains(units: Units, plain: Units | None) -> dict[str, float]:
    """Paired differences to plain training, units that both have; nothing for itself."""
    row: dict[str, float] = {}
    both = sorted(units.keys() & (plain or {}).keys(), key=str)
    for word in ("f1", "acc"):
        name = f"{word}_final"
        differences = [units[key][name] - plain[key][name] for key in both]
        row |= _with_interval(f"{word}_gain", [] if units is plain else differences)
    return row


def _with_interval(name: str, values: list[float]) -> dict[str, float]:
    known = np.array([value for value in values if not np.isnan(value)])
    low, high = t_interval(known)
    mean = float(known.mean()) if len(known) else np.nan
    return {name: mean, f"{name}_low": low, f"{name}_high": high}
