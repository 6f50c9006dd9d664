"""End tasks after the last domain, and how much of what their domains gave is lost again."""

import numpy as np
import pandas as pd

from lethe.longtables import LongTables, of_run, runs
from lethe.metrics.intervals import t_interval
from lethe.metrics.shown import LINE_COLUMNS, lines
from lethe.tables.lines import words
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

CAPTION = (
    "End tasks: copies of checkpoints, fine-tuned and scored on test sets; all numbers in %. A "
    "column per end task: its headline metric after the last stage, [95 % t-interval over "
    "checkpoints and end-task seeds]. f1: the headline metrics' mean over end tasks, acc: that "
    "of accuracy; own: each right after the stage of its domain, final: after the last stage. "
    "fr_ke: mean over domains but the last of own - final, seeds averaged before the difference; "
    "positive = forgetting, negative = backward gain (Ke et al. 2023). The method `none` is the "
    "model before the first stage."
)
NONE = "none"
ONCE = ["node", "probe", "metric", "end_task_seed"]


def build(tables: LongTables) -> Table:
    """A row per model before the first stage, and one per line."""
    scores = tables.scores
    scores = scores[(scores["kind"] == "end_task") & (scores["split"] == "test")]
    keys = list(scores[LINE_COLUMNS].itertuples(index=False, name=None))
    names = _in_order(scores)
    found: dict[tuple, dict] = {}
    for line in lines(scores):
        one = scores[[key == line for key in keys]]
        named = words(line, scores)
        base = {**named, "method": NONE, "order": ""}
        if named["model"] not in {model for model, method in found if method == NONE}:
            # Runs share their base, whose scores are joined to every one of them.
            before = one[one["stage_index"] == 0].drop_duplicates(ONCE)
            found[named["model"], NONE] = {**base, **_row(before, names, before)}
        found[named["model"], line] = {**named, **_row(one, names, _last(one))}
    return or_nothing(list(found.values()), CAPTION, "the study has no end tasks")


def _in_order(scores: pd.DataFrame) -> list[str]:
    """End tasks in the order of the first run's domains; those of no stage of it by name last."""
    pairs = dict(scores[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    places = _stages(of_run(scores, runs(scores)[0])) if len(scores) else {}
    return sorted(pairs, key=lambda name: (places.get(pairs[name], len(places) + 1), name))


def _stages(rows: pd.DataFrame) -> dict[str, int]:
    """The stage that trains on each domain, from the mixtures of a run's rows."""
    distinct = rows[["stage_index", "stage_task"]].drop_duplicates().sort_values("stage_index")
    found: dict[str, int] = {}
    for stage, mixture in distinct.itertuples(index=False, name=None):
        for part in mixture.split("&") if mixture else []:
            found.setdefault(part.partition(":")[0], int(stage))
    return found


def _last(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["stage_index"] == rows["stage_index"].max()]


def _row(rows: pd.DataFrame, names: list[str], last: pd.DataFrame) -> dict:
    """Columns of one line: `rows` are all its scores, `last` those after its last stage."""
    row = {}
    for name in names:
        cells = last[(last["probe"] == name) & last["headline"].astype(bool)]
        row |= _with_interval(name, 100 * cells["value"].to_numpy(dtype=float))
    for word, chosen in (
        ("f1", rows[rows["headline"].astype(bool)]),
        ("acc", rows[rows["metric"] == "accuracy"]),
    ):
        row |= {f"{word}_{name}": 100 * v for name, v in own_and_final(chosen, names).items()}
    seeds = rows["end_task_seed"].dropna().nunique()
    return row | {"checkpoints": last["node"].nunique(), "end_task_seeds": seeds}


def _with_interval(name: str, values: np.ndarray) -> dict[str, float]:
    low, high = t_interval(values)
    mean = float(values.mean()) if len(values) else np.nan
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def own_and_final(rows: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """{own, final, fr_ke} of one line's scores of one metric an end task, as fractions.

    Cells are first averaged over runs and end-task seeds. nan where a cell that is needed is
    missing, and for a base, which has neither own stages nor forgetting.
    """
    cells = rows.groupby(["probe", "stage_index"])["value"].mean()
    domain = dict(rows[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    stages, last = _stages(rows), rows["stage_index"].max()
    final = np.array([cells.get((name, last), np.nan) for name in names], dtype=float)
    place = [stages.get(domain.get(name)) for name in names]
    own = [
        np.nan if k is None else cells.get((n, k), np.nan)
        for n, k in zip(names, place, strict=True)
    ]
    earlier = [k is not None and k < last for k in place]
    change = (np.array(own, dtype=float) - final)[np.array(earlier, dtype=bool)]
    return {
        "own": float(np.mean(own)) if names else np.nan,
        "final": float(np.mean(final)) if names else np.nan,
        "fr_ke": float(np.mean(change)) if len(change) else np.nan,
    }
