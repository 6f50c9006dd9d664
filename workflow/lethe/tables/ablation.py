"""DAS beside its ablations, its released code and its cheaper forms (Ke et al. 2023)."""

from lethe.longtables.tables import LongTables
from lethe.metrics.comparisons import PairedDifference
from lethe.metrics.end_tasks import SUMMARIES
from lethe.tables.end_task_lines import EndTaskLine, end_task_lines, entry_line
from lethe.tables.end_task_tests import TESTS
from lethe.tables.paired import DAS, FEWEST_UNITS, compared, paired_columns, with_holm
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

RELEASED = "das-released"
COMPARED = ("f1_final", "f1_fr_ke")
CAPTION = (
    "DAS and what is left of it without a part (methods named `das` or `das-...`), end tasks in %; "
    "own, final and fr_ke as in `end_task_methods`; difference: the method less `das`. "
    f"{TESTS}. finding: whether the interval of the difference in final F1 excludes zero, before "
    "Holm; no difference shown is no proof that there is none."
)
NOTHING = "no method of the study is das or one of its ablations on an order of several stages"


def build(tables: LongTables) -> Table:
    """A row per form of DAS and order; orders with `das` alone are left out if others have more."""
    _, end_lines = end_task_lines(tables)
    family = [line for line in end_lines if line.is_continual and is_of_das(line.entry)]
    ablated = {(line.model, line.order) for line in family if line.entry != DAS}
    family = [line for line in family if not ablated or (line.model, line.order) in ablated]
    rows = [_row(line, entry_line(DAS, line, end_lines)) for line in family]
    if rows and not ablated:
        rows[0]["finding"] = "the study has no ablation of das"
    if not rows:
        return or_nothing([], CAPTION, NOTHING)
    for name in COMPARED:
        with_holm(rows, f"{name}_difference")
    frame = or_nothing(rows, CAPTION, NOTHING).frame
    shown = [f"f1_{part}" for part in ("own", "final", "fr_ke")]
    tested = [f"{name}_difference" for name in COMPARED]
    ps = [f"{name}{end}" for name in tested for end in ("_p", "_p_holm")]
    wheres = [name for name in ("model", "order") if frame[name].nunique() > 1]
    return Table(
        frame=frame,
        caption=CAPTION,
        decimals=dict.fromkeys([*SUMMARIES, *tested], 1) | dict.fromkeys(ps, 3),
        columns=(
            *wheres, "method", *shown, "acc_final", tested[0], *ps[:2], tested[1], *ps[2:], "n",
            "over", "finding",
        ),
        is_symmetric=True,
    )  # fmt: skip


def is_of_das(entry: str) -> bool:
    """Whether an entry of the catalogue is DAS or a form of it; all forms are named after it."""
    return entry == DAS or entry.startswith(f"{DAS}-")


def finding(line: EndTaskLine, test: PairedDifference | None) -> str:
    """The meaning of the difference to `das`, in words."""
    what = "released code against paper" if line.entry == RELEASED else f"{line.method} against das"
    if test is None:
        return f"{what}: missing"
    if test.n < FEWEST_UNITS:
        return f"{what}: {test.mean:+.1f}, too few pairs to tell"
    if test.low <= 0 <= test.high:
        return f"{what}: no difference shown"
    return f"{what}: {'above' if test.low > 0 else 'below'}"


def _row(line: EndTaskLine, das: EndTaskLine | None) -> dict:
    row = line.words()
    for name in SUMMARIES:
        row |= line.cell(name)
    is_das = line is das
    tests = {
        name: None if is_das or das is None else compared(line, das, name) for name in COMPARED
    }
    for name, test in tests.items():
        row |= paired_columns(f"{name}_difference", test)
    words = "" if is_das else finding(line, tests["f1_final"])
    n = len(line.units) if is_das else row["f1_final_difference_n"]
    return row | {"n": n, "over": line.over, "finding": words}
