"""Methods by end tasks: what a domain gave, what is kept after the last stage, what was lost."""

from lethe.longtables.tables import LongTables
from lethe.metrics.end_tasks import SUMMARIES
from lethe.tables.end_task_lines import LOSS_RISE, NOTHING, end_task_lines
from lethe.tables.end_tasks import BOLD, UNITS
from lethe.tables.paired import bold_cells
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

BOLDABLE = ("f1_final", "f1_fr_ke", "acc_final", "acc_fr_ke")
SHOWN = (*SUMMARIES, LOSS_RISE)
CAPTION = (
    "End tasks by method (Ke et al. 2023), means over end tasks in %. f1: the headline metrics, "
    "acc: accuracy; own: each right after the stage of its domain, final: after the last stage. "
    "fr_ke: mean over domains but the last of own - final, positive = forgetting, negative = "
    "backward gain. mlm_loss_delta: rise of masked-LM loss over the same domains, nats. note: at "
    "floor where own scores are not ten points above those before any domain, never bold. "
    f"{UNITS}. {BOLD}. Paired tests are in `end_task_tests`."
)


def build(tables: LongTables) -> Table:
    """A row per model before the first stage, and one per line."""
    _, end_lines = end_task_lines(tables)
    rows = []
    for line in end_lines:
        row = line.words()
        for name in SHOWN:
            row |= line.cell(name)
        rows.append(row | line.behind() | {"note": "at floor" if line.is_at_floor else ""})
    table = or_nothing(rows, CAPTION, NOTHING)
    if not end_lines:
        return table
    model = ("model",) * (len({line.model for line in end_lines}) > 1)
    return Table(
        frame=table.frame,
        caption=CAPTION,
        decimals=dict.fromkeys(SUMMARIES, 1) | {LOSS_RISE: 2},
        columns=(*model, "method", "order", *SHOWN, "interval_over", "note"),
        bold=bold_cells(end_lines, BOLDABLE),
        is_symmetric=True,
    )
