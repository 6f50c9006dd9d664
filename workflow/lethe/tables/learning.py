"""What was learned and kept: each own task before and right after its stage, and at the end."""

import pandas as pd

from lethe.longtables.tables import LongTables
from lethe.metrics.shown import INTERVAL, lines, shown
from lethe.tables.lines import behind, number, of_line, words
from lethe.tables.writing import Table

PARTS = {
    "before": "own_before",
    "right_after": "own_after",
    "gain": "own_gain",
    "final": "own_final",
    "change": "own_change",
}
CAPTION = (
    "Own tasks, scores as fractions: right before the task's stage, right after it, and after the "
    "last stage. gain = right after - before; change = final - right after, negative = forgetting; "
    "there is none for the last task. "
    f"{INTERVAL}"
)


def build(tables: LongTables) -> Table:
    """A row per line and task, tasks in the order of training."""
    rows = shown(tables.metrics, list(PARTS.values()))
    scored = tables.metrics[tables.metrics["metric"].str.startswith("score_")]
    metric = scored.drop_duplicates("probe").set_index("probe")["metric"].str.removeprefix("score_")
    task_rows = []
    for line in lines(rows):
        line_rows = of_line(rows, line)
        for probe in line_rows["probe"].unique():
            cells = line_rows[line_rows["probe"] == probe]
            row = words(line, rows)
            row |= {"task": cells["stage_task"].iloc[0], "metric": metric.get(probe, "")}
            for name, metric_id in PARTS.items():
                row |= number(cells, name, metric_id)
            task_rows.append(row | behind(cells[cells["metric"] != "own_change"]))
    return Table(pd.DataFrame(task_rows), CAPTION)
