"""Every metric under an id that names its convention, with its formula, source and sign.

Notation: T stages; R[i, j] is the score on task j after stage i, row 0 the base model; G[i, e] the
score on general element e; b[j], S[j], J[j] reference scores of task j before the stream, trained
alone, and trained jointly; L[i, j] a loss (lower is better). Arrays may have leading axes (one
matrix per resample), which every function keeps: its value has those axes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps

import numpy as np

from lethe.errors import UserError

Cells = Callable[[int, int], np.ndarray]
REGISTRY: dict[str, "Metric"] = {}


@dataclass(frozen=True)
class Metric:
    """One metric: `needs` names its arguments, `cells` marks the cells of the first one it reads.

    sign says which direction is good or what a positive value means; unit is "score" (that of the
    matrix), "points" (hundredths of a score), "%" or "nats".
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
        self, matrix: np.ndarray, columns: Sequence[str] | None = None, letter: str = "R"
    ) -> None:
        """UserError if the matrix has no base row, or a cell that the metric reads is missing."""
        if matrix.ndim < 2 or matrix.shape[-2] < 2 or matrix.shape[-1] < 1:
            raise UserError(
                f"{self.id}: expected rows for stage 0 (the base) to T and a column per task, "
                f"found an array of shape {matrix.shape}"
            )
        rows, width = matrix.shape[-2:]
        if letter in "RL" and rows != width + 1:
            raise UserError(
                f"{self.id}: expected {width + 1} rows (stages 0 to {width}) for {width} tasks, "
                f"found {rows}"
            )
        absent = np.isnan(matrix).reshape(-1, rows, width).any(0) & self.cells(rows, width)
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
        def checked(matrix, *others, columns: Sequence[str] | None = None, **named):
            matrix = np.asarray(matrix, dtype=float)
            entry.require(matrix, columns, needs[0])
            arrays = [np.asarray(other, dtype=float) for other in others]
            return function(matrix, *arrays, **{k: np.asarray(v, float) for k, v in named.items()})

        vars(checked)["metric"] = entry
        return checked

    return register


def every_cell(rows: int, width: int) -> np.ndarray:
    """All cells, the base row included."""
    return np.ones((rows, width), dtype=bool)


def last_row(rows: int, width: int) -> np.ndarray:
    """Scores after the last stage."""
    mask = np.zeros((rows, width), dtype=bool)
    mask[-1] = True
    return mask


def first_and_last_row(rows: int, width: int) -> np.ndarray:
    """The base's scores and those after the last stage."""
    mask = last_row(rows, width)
    mask[0] = True
    return mask


def diagonal(rows: int, width: int) -> np.ndarray:
    """Each task right after its own stage: (stage j, task j)."""
    return np.eye(rows, width, k=-1, dtype=bool)


def superdiagonal(rows: int, width: int) -> np.ndarray:
    """Each task but the first right before its own stage: (stage j-1, task j)."""
    return np.eye(rows, width, dtype=bool) & (np.arange(rows) > 0)[:, None]


def diagonal_and_last_row(rows: int, width: int) -> np.ndarray:
    """What forgetting against the own stage needs: 2T-1 cells."""
    return diagonal(rows, width) | last_row(rows, width)


def on_or_below_diagonal(rows: int, width: int) -> np.ndarray:
    """Tasks seen so far, after each stage: (stage i, task j) with i >= j."""
    return np.tri(rows, width, k=-1, dtype=bool)


def above_diagonal(rows: int, width: int) -> np.ndarray:
    """Tasks not yet seen, after each stage: (stage i, task j) with 1 <= i < j."""
    return ~np.tri(rows, width, k=-1, dtype=bool) & (np.arange(rows) > 0)[:, None]
