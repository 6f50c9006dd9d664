"""Table 3 of Luo et al. 2023: every new task before and after tuning, one row per model."""

import numpy as np

from lethe.longtables.tables import LongTables
from lethe.metrics.shown import INTERVAL, shown
from lethe.metrics.subjects import study_subjects
from lethe.tables.lines import NUMBERS, number, of_line
from lethe.tables.paper import or_nothing, words_of
from lethe.tables.writing import Table

CAPTION = (
    "New tasks before and after tuning (Luo et al. 2023, Table 3), metrics times 100. base: the "
    "base model, before any stage; after: right after the task's own stage; end: after the last "
    "stage. Columns name the task and its metric. "
    f"{INTERVAL}"
)


def build(tables: LongTables) -> Table:
    """A row per model, method and order, three numbers per own task."""
    rows = shown(tables.metrics)
    subject_rows = []
    for subject in study_subjects(tables, every=True):
        part = of_line(rows, subject.line)
        row = {}
        for probe in sorted(part.loc[part["metric"] == "own_after", "probe"].unique()):
            row |= of_task(part[part["probe"] == probe])
        if row:
            subject_rows.append(words_of(subject, rows) | row)
    names = [
        name for row in subject_rows for name in row if name.endswith(("_base", "_after", "_end"))
    ]
    nothing = "no own task was scored before and after its stage"
    return or_nothing(subject_rows, CAPTION, nothing, dict.fromkeys(names, 1))


def of_task(rows) -> dict[str, float]:
    """{task metric_base, ..._after, ..._end} with intervals, times 100, of one line and task."""
    scored = rows[rows["metric"].str.startswith("score_")]
    base = scored[(scored["stage_index"] == 0) & (scored["subset"] == "")]
    task = rows.loc[rows["metric"] == "own_after", "stage_task"].iloc[0]
    metric = scored["metric"].iloc[0].removeprefix("score_")
    name = f"{task.partition('&')[0].partition(':')[0]}_{metric}"
    numbers = base[NUMBERS].iloc[0].astype(float) if len(base) else [np.nan] * len(NUMBERS)
    ends = [f"{name}_base{end}" for end in ("", "_low", "_high")]
    columns = dict(zip(ends, numbers, strict=True))
    columns |= number(rows, f"{name}_after", "own_after") | number(rows, f"{name}_end", "own_final")
    return {column: 100 * value for column, value in columns.items()}
