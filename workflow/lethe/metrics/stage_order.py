"""The order in which a user's matrix was trained: found in its rows' labels, or asked for."""

import re

from lethe.errors import UserError
from lethe.metrics.matrix_files import Table
from lethe.metrics.schedule import NO_COLUMN, Schedule
from lethe.parameters.entries import parse_mixture
from lethe.parameters.sentences import require

BASES = {"base", "base model", "the base", "stage 0", "pretrained", "pre-trained", "initial"}
COUNTED = re.compile(r"(\D*?)(\d{1,9})(?:\.0+)?(\D*)", re.ASCII)
"""What a label that counts stages looks like: words before, the number, words after."""
ASK = (
    "say what each stage taught with `--order TASK,TASK,...` (`none` for a stage without a column)"
)

FROM_LABELS, FROM_COLUMNS, FROM_FLAG = "the rows' labels", "the columns' order", "--order"


def schedule_of(table: Table, order: str | None = None) -> tuple[Schedule, str]:
    """What each stage taught, and where that was found.

    Labels that are tasks' names say it. Without names, the columns are in the order of training,
    one for each stage.

    Raises:
        UserError: rows do not begin with the base or are out of order, or the order is not clear.
    """
    require_rising(table)
    named = [_named(label, table.columns) for label in table.labels]
    _require_base_first(table, named)
    if order is not None:
        return _given(order, table, named[1:]), FROM_FLAG
    taught = Schedule(tuple(columns or () for columns in named[1:]))
    if any(named[1:]):
        _refuse_unclear(table, named, taught)
        return taught, FROM_LABELS
    _require_one_stage_each(table)
    return Schedule.in_order(len(table.columns)), FROM_COLUMNS


def require_rising(table: Table) -> None:
    """Refuse rows that count stages from another number than 0, backwards or with gaps."""
    numbers = _numbers(table)
    if numbers is not None:
        if numbers[0] != 0:
            raise UserError(
                f"{table.path}: expected the first row to be stage 0, the base model, found stage "
                f"{table.labels[0]}"
            )
        if len(numbers) > 1 and numbers != list(range(len(numbers))):
            raise UserError(
                f"{table.path}: expected the stages 0 to {len(numbers) - 1} in order, "
                f"found {', '.join(table.labels)}"
            )
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for label in table.labels:
        counted = COUNTED.fullmatch(label)
        if counted is None or label in table.columns:
            continue
        words = (counted[1].casefold(), counted[3].casefold())
        number, before = last.get(words, (-1, ""))
        if int(counted[2]) <= number:
            raise UserError(
                f"{table.path}: expected the stages in order, found the row {label!r} after "
                f"{before!r}"
            )
        last[words] = (int(counted[2]), label)


def require_same_rows(table: Table, matrix: Table, schedule: Schedule) -> None:
    """Refuse a table whose rows are not, as far as their labels say, the stages of the matrix."""
    stages = len(matrix.labels)
    if len(table.labels) != stages:
        raise UserError(
            f"{table.path}: expected {stages} rows, one per stage from 0 as in {matrix.path}, "
            f"found {len(table.labels)}"
        )
    if [label.casefold() for label in table.labels] == [s.casefold() for s in matrix.labels]:
        return
    require_rising(table)
    if _numbers(table) is not None:
        return
    named = [_named(label, matrix.columns) for label in table.labels]
    if named[0] is None and tuple(columns or () for columns in named[1:]) == schedule.taught:
        return
    raise UserError(
        f"{table.path}: expected the rows {', '.join(matrix.labels)} as in {matrix.path}, or the "
        f"stages 0 to {stages - 1}, found {', '.join(table.labels)}"
    )


def _numbers(table: Table) -> list[int] | None:
    """The number of each row, if all labels are numbers; pandas writes 1 as 1.0."""
    found = [re.fullmatch(r"(-?[0-9]{1,9})(?:\.0+)?", label) for label in table.labels]
    return [int(match[1]) for match in found if match] if all(found) else None


def _named(label: str, columns: list[str]) -> tuple[int, ...] | None:
    """The columns that a label names, as a task or a mixture; None if it names none."""
    folded = [column.casefold() for column in columns]
    if label in columns:
        return (columns.index(label),)
    if folded.count(label.casefold()) == 1:
        return (folded.index(label.casefold()),)
    parts = [task for task, _ in parse_mixture(label)] if re.search(r"&|:\d+$", label) else []
    places = {columns.index(part) for part in parts if part in columns}
    return tuple(sorted(places)) or None


def _require_base_first(table: Table, named: list) -> None:
    numbered = _numbers(table) is not None
    if named[0] is not None and not numbered:
        raise UserError(
            f"{table.path}: expected the first row to be stage 0, the base model, found stage "
            f"{table.labels[0]!r}, a task; without scores of the base, add a row `base` with empty "
            "fields"
        )
    for label, columns in list(zip(table.labels, named, strict=True))[1:]:
        if columns is None and label.casefold() in BASES:
            raise UserError(f"{table.path}: expected the base in the first row, found {label!r}")


def _given(order: str, table: Table, named: list) -> Schedule:
    """The order of the flag, which must not contradict the rows' labels."""
    entries = [entry.strip() for entry in order.split(",")]
    stages = len(table.labels) - 1
    if len(entries) != stages:
        raise UserError(
            f"--order: expected {stages} entries, one for each stage of {table.path} after the "
            f"base, found {len(entries)}"
        )
    taught = []
    for entry, label, columns in zip(entries, table.labels[1:], named, strict=True):
        parts = [] if entry == NO_COLUMN else entry.split("&")
        for part in parts:
            require("--order", part, table.columns)
        places = tuple(sorted({table.columns.index(part) for part in parts}))
        if columns is not None and columns != places and _numbers(table) is None:
            raise UserError(f"--order: {entry!r} is the row {label!r} in {table.path}")
        taught.append(places)
    if not any(taught):
        raise UserError(f"--order: expected a task of {table.path}, found none")
    return Schedule(tuple(taught))


def _refuse_unclear(table: Table, named: list, schedule: Schedule) -> None:
    """Labels and columns that both have names without a counterpart may be misspelt."""
    others = [
        label for label, columns in zip(table.labels[1:], named[1:], strict=True) if columns is None
    ]
    untaught = [c for place, c in enumerate(table.columns) if place not in schedule.columns]
    numbered = _numbers(table) is not None and schedule != Schedule.in_order(len(table.columns))
    if (others and untaught) or numbered:
        found = (
            f"the stages {', '.join(table.labels)}, which are also columns"
            if numbered
            else f"the row {others[0]!r}, which is no column, and the column {untaught[0]!r}, "
            "which is no row"
        )
        raise UserError(f"{table.path}: found {found}; {ASK}")


def _require_one_stage_each(table: Table) -> None:
    rows, tasks = len(table.labels), len(table.columns)
    if rows != tasks + 1:
        raise UserError(
            f"{table.path}: expected {tasks + 1} rows (stage 0, the base, and one stage for each "
            f"of {tasks} tasks), found {rows}; if it is no mistake, {ASK}"
        )
    for place, label in enumerate(table.labels[1:]):
        # `after simp`, `simp+emdg`: what is named last was taught last.
        words = re.split(r"[^\w.-]+", label.casefold())
        mentioned = [word for word in words if word in [c.casefold() for c in table.columns]]
        if mentioned and mentioned[-1] != table.columns[place].casefold():
            raise UserError(
                f"{table.path}: the row {label!r} stands where the columns' order has "
                f"{table.columns[place]!r}; {ASK}"
            )
