"""End tasks after the last domain, and how much of their domains' gain is lost again."""

import numpy as np

from lethe.longtables.tables import LongTables
from lethe.metrics.end_tasks import SUMMARIES
from lethe.tables.end_task_lines import (
    NONE,
    NOTHING,
    EndTaskLine,
    end_task_lines,
    plain_line,
)
from lethe.tables.paired import bold_cells, compared
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

__all__ = ["BOLD", "NONE", "UNITS", "build"]

UNITS = (
    "± is half of a 95 % interval over the units in interval_over, [low, high] its ends where they "
    "are not equally far, as at 100: t-intervals over three runs or more, each a mean over its "
    "end-task seeds; of one run over the clusters of its items (stems), "
    "with the spread of resampled clusters, which tells nothing about another run"
)
BOLD = (
    "Bold: the best of a column and all that are statistically tied with it, among the methods of "
    "one model and one order of several stages: those whose difference to the best, paired by "
    "run (by end-task seed where there is one run), has a 95 % t-interval that includes zero; from "
    "three pairs on"
)
CAPTION = (
    "End tasks: copies of checkpoints, fine-tuned and scored on test sets; all numbers in %. A "
    "column per end task: its headline metric after the last stage. f1_final: the headline "
    "metrics' mean over end tasks, acc_final: that of accuracy, both after the last stage. "
    "f1_fr_ke: mean over domains but the last of own - final, own being right after the stage of "
    "the domain; positive = forgetting, negative = backward gain (Ke et al. 2023). f1_gain: "
    f"f1_final - that of `sequential` on the same order, paired by seeds. {UNITS}. {BOLD}. The "
    "method `none` is the model before the first stage; the order `each alone` has every end task "
    "on a model of its own domain."
)


def build(tables: LongTables) -> Table:
    """A row per model before the first stage, and one per line."""
    names, end_lines = end_task_lines(tables)
    table = or_nothing([_row(line, names, end_lines) for line in end_lines], CAPTION, NOTHING)
    if not end_lines:
        return table
    several = len({line.model for line in end_lines}) > 1
    shown = ["f1_final", "f1_gain", "f1_fr_ke", "acc_final", "interval_over"]
    return Table(
        frame=table.frame,
        caption=CAPTION,
        decimals=dict.fromkeys([*names, *shown[:4]], 1),
        columns=("model",) * several + ("method", "order", *names, *shown),
        bold=bold_cells(end_lines, ("f1_final", "f1_fr_ke", "acc_final")),
        is_symmetric=True,
    )


def _row(line: EndTaskLine, names: list[str], end_lines: list[EndTaskLine]) -> dict:
    row = line.words()
    for name in [*names, *SUMMARIES]:
        row |= line.cell(name)
    row |= line.behind()
    plain = plain_line(line, end_lines)
    for word in ("f1", "acc"):
        is_other = plain is not None and plain is not line
        test = compared(line, plain, f"{word}_final") if is_other else None
        ends = (test.mean, test.low, test.high) if test else (np.nan,) * 3
        names = (f"{word}_gain", f"{word}_gain_low", f"{word}_gain_high")
        row |= dict(zip(names, ends, strict=True))
    return row
