"""Every metric under an id that names its convention, with its formula, source and sign.

Notation: T stages; R[i, j] is the score on task j after stage i, row 0 the base model; G[i, e] the
score on general element e; b[j], S[j], J[j] reference scores of task j before the stream, trained
alone, and trained jointly; L[i, j] a loss (lower is better). Formulas are written for stages that
teach one task each, in the order of the columns; `lethe.metrics.schedule` is for all others.
Arrays may have leading axes (one matrix per resample), which every function keeps: its value has
those axes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps

import numpy as np

from lethe.errors import UserError
from lethe.metrics.schedule import Schedule

Cells = Callable[..., np.ndarray]
"""From the numbers of rows and columns, and a schedule or None, to a mask of the matrix."""
REGISTRY: dict[str, "Metric"] = {}


@dataclass(frozen=True)
class Metric:
    """One metric: `needs` names its arguments, `cells` marks the cells of the first one it reads.

    sign says which direction is good or what a positive value means; unit is "score" (that of the
    matrix), "share" (of 1), "points" (hundredths of a score), "%" or "nats".
    """

    id: str
    function: Callable[..., np.ndarray]
    formula: str
    source: str
    sign: str
    unit: str
    needs: tuple[str, ...]
    cells: Cells

    def require(
        self,
        matrix: np.ndarray,
        columns: Sequence[str] | None = None,
        letter: str = "R",
        schedule: Schedule | None = None,
    ) -> None:
        """UserError if the matrix has no base row, or a cell that the metric reads is missing."""
        if matrix.ndim < 2 or matrix.shape[-2] < 2 or matrix.shape[-1] < 1:
            raise UserError(
                f"{self.id}: expected rows for stage 0 (the base) to T and a column per task, "
                f"found an array of shape {matrix.shape}"
            )
        rows, width = matrix.shape[-2:]
        stages = schedule.stages if schedule else width
        if letter in "RL" and rows != stages + 1:
            raise UserError(
                f"{self.id}: expected {stages + 1} rows (stages 0 to {stages}) for {width} tasks, "
                f"found {rows}"
            )
        read = self.cells(rows, width, schedule)
        absent = np.isnan(matrix).reshape(-1, rows, width).any(0) & read
        if absent.any():
            stage, column = np.argwhere(absent)[0]
            name = columns[column] if columns is not None else f"column {column + 1}"
            raise UserError(f"{self.id}: the cell (stage {stage}, {name}) is missing")


def metric(
    name: str, *, formula: str, source: str, sign: str, cells: Cells, unit: str = "score"
) -> Callable:
    """Register a metric. The decorated function checks shape and missing cells, then computes."""

    def register(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        code = function.__code__
        needs = code.co_varnames[: code.co_argcount]
        REGISTRY[name] = entry = Metric(name, function, formula, source, sign, unit, needs, cells)

        @wraps(function)
        def checked(matrix, *others, columns=None, schedule: Schedule | None = None, **named):
            matrix = np.asarray(matrix, dtype=float)
            entry.require(matrix, columns, needs[0], schedule)
            arrays = [np.asarray(other, dtype=float) for other in others]
            named = {name: np.asarray(value, float) for name, value in named.items()}
            named |= {} if schedule is None else {"schedule": schedule}
            return function(matrix, *arrays, **named)

        vars(checked)["metric"] = entry
        return checked

    return register


def every_cell(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """All cells, the base row included."""
    return np.ones((rows, width), dtype=bool)


def first_and_last_row(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """The base's scores and those after the last stage."""
    mask = np.zeros((rows, width), dtype=bool)
    mask[[0, -1]] = True
    return mask
