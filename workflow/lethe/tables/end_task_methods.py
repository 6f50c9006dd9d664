"""Methods by end tasks: what a domain gave, what is kept after the last stage, what was lost."""

from lethe.longtables.tables import LongTables
from lethe.metrics.end_tasks import SUMMARIES
from lethe.tables.end_task_lines import NOTHING, end_task_lines
from lethe.tables.end_tasks import BOLD, UNITS
from lethe.tables.paired import bold_cells
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

BOLDABLE = ("f1_final", "f1_fr_ke", "acc_final", "acc_fr_ke")
CAPTION = (
    "End tasks by method (Ke et al. 2023), means over end tasks in %. f1: the headline metrics, "
    "acc: accuracy; own: each right after the stage of its domain, final: after the last stage. "
    "fr_ke: mean over domains but the last of own - final, positive = forgetting, negative = "
    f"backward gain. {UNITS}. {BOLD}. Paired tests are in `end_task_tests`."
)


def build(tables: LongTables) -> Table:
    """A row per model before the first stage, and one per line."""
    _, end_lines = end_task_lines(tables)
    rows = []
    for line in end_lines:
        row = line.words()
        for name in SUMMARIES:
            row |= line.cell(name)
        rows.append(row | line.behind())
    table = or_nothing(rows, CAPTION, NOTHING)
    if not end_lines:
        return table
    model = ("model",) * (len({line.model for line in end_lines}) > 1)
    return Table(
        frame=table.frame,
        caption=CAPTION,
        decimals=dict.fromkeys(SUMMARIES, 1),
        columns=(*model, "method", "order", *SUMMARIES, "interval_over"),
        bold=bold_cells(end_lines, BOLDABLE),
        is_symmetric=True,
    )
