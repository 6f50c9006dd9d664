"""The task-by-stage matrix of every line, as a table."""

import pandas as pd

from lethe.longtables.tables import LongTables
from lethe.metrics.shown import INTERVAL, lines, shown
from lethe.tables.lines import behind, number, of_line, words
from lethe.tables.writing import Table

CAPTION = (
    "Score (fraction) on each own task after each stage; stage_0 is the base model, history names "
    "the stages. An empty cell is missing. "
    f"{INTERVAL}"
)


def build(tables: LongTables) -> Table:
    """A row per line and task, a column per stage."""
    rows = shown(tables.metrics)
    rows = rows[rows["metric"].str.startswith("score_") & (rows["axis"] == "own")]
    rows = rows[rows["subset"] == ""]
    task_rows = []
    for line in lines(rows):
        line_rows = of_line(rows, line).sort_values("stage_index", kind="stable")
        history = line_rows.drop_duplicates("stage_index")["stage_task"]
        for probe in line_rows["probe"].unique():
            cells = line_rows[line_rows["probe"] == probe]
            metric = cells["metric"].iloc[0]
            row = {**words(line, rows), "history": "+".join(task for task in history if task)}
            row |= {"task": probe, "metric": metric.removeprefix("score_")}
            for stage, part in cells.groupby("stage_index"):
                row |= number(part, f"stage_{stage}", metric)
            task_rows.append(row | behind(cells))
    frame = pd.DataFrame(task_rows)
    last = [name for name in ("items", "interval_over", "note") if name in frame]
    return Table(frame[[name for name in frame if name not in last] + last], CAPTION)
