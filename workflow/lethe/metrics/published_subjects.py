"""The published numbers as subjects, so that the same contrasts can be applied to them."""

import pandas as pd

from lethe.metrics.published import means
from lethe.metrics.subjects import Place, Seeds, Subject

METRICS = {"R_o": "base_score", "R_-1": "final_score", "FG": "fg_luo"}
ONE_RUN: Seeds = (None, None, None)
BILLION = 1e9
TASKS = ("simp", "emdg", "inqqg", "exp", "hgen")
BEFORE_TASK, AFTER_TASK = "before tuning", "after tuning"
TASK_ONLY, MIXED = "after task-only tuning", "after tuning mixed"


def published_subjects(published: pd.DataFrame, models: pd.DataFrame) -> list[Subject]:
    """A subject per published model, and another for each model that was tuned on a mixture.

    published: from `read_published`; models: from `read_published_models`. One run, no seeds.
    """
    subjects = []
    for role in models.to_dict("records"):
        rows = published[published["model"] == role["model"]]
        words = {
            "model": role["model"],
            "params": role["params_b"] * BILLION,
            "family": role["family"],
            "series": role["series"],
            "untuned": role["untuned"],
            "order": "published",
            "tasks": TASKS,
        }
        plain = {**_means(rows), **_rises(rows), **_finals(rows, TASK_ONLY)}
        subjects.append(Subject(**words, extras=("",) * len(TASKS), numbers=_once(plain)))
        if mixed := _finals(rows, MIXED):
            extras = ("general",) * len(TASKS)
            subjects.append(Subject(**words, extras=extras, numbers=_once(mixed)))
    return subjects


def sources(published: pd.DataFrame, metric: str, axes: list[str], element: str) -> str:
    """Where the numbers behind a metric come from: `Table 4 (note-A ; note-B)`, all of them."""
    rows = published[published["axis"].isin(axes)]
    if metric in METRICS.values() and not element:
        names = [name for name, ours in METRICS.items() if ours == metric]
        rows = means(rows)
        rows = rows[rows["quantity"].isin(names)]
    elif element:
        rows = rows[rows["eval_set"] == element]
    notes: dict[str, dict[str, None]] = {}
    for table, source in rows[["table", "source"]].itertuples(index=False):
        notes.setdefault(table, {}).update(dict.fromkeys(source.split(" ; ")))
    return "; ".join(
        f"{table} ({', '.join(sorted(table_notes))})" for table, table_notes in notes.items()
    )


def _means(rows: pd.DataFrame) -> dict[Place, float]:
    numbers = means(rows)
    numbers = numbers[numbers["quantity"].isin(METRICS)]
    return {
        (METRICS[quantity], axis, ""): value
        for quantity, axis, value in numbers[["quantity", "axis", "value"]].itertuples(index=False)
    }


def _rises(rows: pd.DataFrame) -> dict[Place, float]:
    """New tasks after tuning minus before, in points (the metrics are printed times 100)."""
    rises = {}
    for name, cells in rows[rows["axis"] == "own"].groupby("eval_set"):
        before = cells[cells["stage"].str.startswith(BEFORE_TASK)]["value"]
        after = cells[cells["stage"].str.startswith(AFTER_TASK)]["value"]
        if len(before) and len(after):
            rises["own_rise", "own", str(name)] = float(after.iloc[0] - before.iloc[0])
    return rises


def _finals(rows: pd.DataFrame, stage: str) -> dict[Place, float]:
    """Final scores of single sets, published for tuning with or without a mixture."""
    cells = rows[rows["stage"].str.startswith(stage)]
    return {
        ("final_score", axis, name): value
        for axis, name, value in cells[["axis", "eval_set", "value"]].itertuples(index=False)
    }


def _once(numbers: dict[Place, float]) -> dict[Place, dict[Seeds, float]]:
    return {place: {ONE_RUN: float(value)} for place, value in numbers.items()}
