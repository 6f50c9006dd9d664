"""Paired tests of every continual method against plain training, at two rates, and against DAS."""

from lethe.longtables.tables import LongTables
from lethe.metrics.end_task_intervals import COMPARED, REFERENCES
from lethe.tables.end_task_lines import EndTaskLine, end_task_lines
from lethe.tables.paired import (
    compared,
    paired_columns,
    references_of,
    with_holm,
)
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

TESTS = (
    "Differences in points, paired by seeds ± half of a 95 % t-interval over n pairs, three or "
    "more. p: exact two-sided sign-flip test, which with n pairs is never below 2^(1-n). "
    "p_holm: Student's paired t test, adjusted by Holm over all rows of its column. over: what a "
    "pair is; train seeds of one base are averaged where there are several bases. Where there is "
    "one run, the units are the clusters of its items (stems), drawn together for both methods, or "
    "end-task seeds where items are not known; both tell nothing about another run"
)
CAPTION = (
    "End tasks, paired tests on one model and order: the method less `against`. Scores after the "
    "last stage (final) and rates of forgetting (fr_ke, positive = forgetting), as in "
    f"`end_task_methods`, which marks methods at floor. {TESTS}."
)
NOTHING = "no method is beside sequential or das on an order of several stages"


def build(tables: LongTables) -> Table:
    """A row per continual line and reference, except a line against itself."""
    _, end_lines = end_task_lines(tables)
    pairs = [
        (line, other)
        for line in end_lines
        if line.is_continual
        for other in references_of(line, end_lines)
    ]
    # Of two references the later one less the earlier is enough; its negative is not repeated.
    rows = [
        _row(line, other)
        for line, other in pairs
        if (other, line) not in pairs
        or REFERENCES.index(line.entry) > REFERENCES.index(other.entry)
    ]
    table = or_nothing(rows, CAPTION, NOTHING)
    if not rows:
        return table
    for name in COMPARED:
        with_holm(rows, name)
    frame = or_nothing(rows, CAPTION, NOTHING).frame
    tested = [f"{name}{end}" for name in COMPARED for end in ("", "_p", "_p_holm")]
    model = ("model",) * (frame["model"].nunique() > 1)
    ps = [name for name in tested if name.endswith(("_p", "_p_holm"))]
    return Table(
        frame=frame,
        caption=CAPTION,
        decimals=dict.fromkeys(COMPARED, 1) | dict.fromkeys(ps, 3),
        columns=(*model, "order", "method", "against", *tested, "n", "over"),
        is_symmetric=True,
    )


def _row(line: EndTaskLine, other: EndTaskLine) -> dict:
    row = {**line.words(), "against": other.method}
    for name in COMPARED:
        row |= paired_columns(name, compared(line, other, name))
    within = line.less("f1_final", other)
    return row | {"n": row["f1_final_n"], "over": within.unit if within else line.over}
