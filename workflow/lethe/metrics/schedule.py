"""Which stage taught which column of a matrix, and the cells that metrics read.

A task may be taught in several stages, a stage may teach several columns or none, and a column may
never be taught. Metrics are over the columns that were taught: what is learned ahead is measured
before the first stage that taught them, what is forgotten since the last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

NO_COLUMN = "none"
"""What a stage taught that has no column."""


@dataclass(frozen=True)
class Schedule:
    """taught: for each of the stages 1..N, the columns that it taught."""

    taught: tuple[tuple[int, ...], ...]

    @classmethod
    def in_order(cls, tasks: int) -> "Schedule":
        """Each stage taught one column, in the order of the columns."""
        return cls(tuple((column,) for column in range(tasks)))

    @property
    def stages(self) -> int:
        return len(self.taught)

    @cached_property
    def columns(self) -> np.ndarray:
        """The columns that were taught, ascending; shape (C,)."""
        return np.array(sorted({column for stage in self.taught for column in stage}), dtype=int)

    @cached_property
    def latest(self) -> np.ndarray:
        """The last stage up to i that taught a column, 0 for none; shape (N+1, C)."""
        latest = np.zeros((self.stages + 1, len(self.columns)), dtype=int)
        for stage, taught in enumerate(self.taught, start=1):
            latest[stage] = np.where(np.isin(self.columns, taught), stage, latest[stage - 1])
        return latest

    @property
    def last(self) -> np.ndarray:
        """The last stage that taught each column; shape (C,)."""
        return self.latest[-1]

    @cached_property
    def first(self) -> np.ndarray:
        """The first stage that taught each column; shape (C,)."""
        return (self.latest > 0).argmax(0)

    @property
    def seen(self) -> np.ndarray:
        """Where a column had been taught by stage 1..N; shape (N, C)."""
        return self.latest[1:] > 0

    def cells(self, rows: int, width: int, chosen: np.ndarray) -> np.ndarray:
        """A mask of the whole matrix from one of its taught columns; chosen: (N+1, C)."""
        mask = np.zeros((rows, width), dtype=bool)
        mask[:, self.columns] = chosen
        return mask


def schedule_for(matrix: np.ndarray, schedule: Schedule | None) -> Schedule:
    """The schedule, or that of columns in the order of training."""
    return schedule or Schedule.in_order(matrix.shape[-1])


def last_row(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """Scores after the last stage."""
    plan = schedule or Schedule.in_order(width)
    return plan.cells(rows, width, _stages(plan) == plan.stages)


def own_stage(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """Each task right after the last stage that taught it."""
    plan = schedule or Schedule.in_order(width)
    return plan.cells(rows, width, _stages(plan) == plan.last)


def before_own_stage(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """Each task right before the first stage that taught it; none that the first stage taught."""
    plan = schedule or Schedule.in_order(width)
    return plan.cells(rows, width, (_stages(plan) == plan.first - 1) & (plan.first > 1))


def own_stage_and_last_row(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """What forgetting since the own stage needs."""
    return own_stage(rows, width, schedule) | last_row(rows, width, schedule)


def after_stages_before_last(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """All stages of the tasks that the last stage did not teach."""
    plan = schedule or Schedule.in_order(width)
    return plan.cells(rows, width, (_stages(plan) > 0) & (plan.last < plan.stages))


def last_of_last_stage(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """What the last stage taught, right after it."""
    plan = schedule or Schedule.in_order(width)
    return plan.cells(rows, width, (_stages(plan) == plan.stages) & (plan.last == plan.stages))


def seen_so_far(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """Tasks after each stage from the first that taught them."""
    plan = schedule or Schedule.in_order(width)
    return plan.cells(rows, width, plan.latest > 0)


def not_yet_seen(rows: int, width: int, schedule: Schedule | None = None) -> np.ndarray:
    """Tasks after each stage, but not the base, before the first that taught them."""
    plan = schedule or Schedule.in_order(width)
    return plan.cells(rows, width, (plan.latest == 0) & (_stages(plan) > 0))


def names(schedule: Schedule, columns: Sequence[str]) -> list[str]:
    """What each stage taught, in the notation of orders."""
    taught = ["&".join(columns[column] for column in stage) for stage in schedule.taught]
    return [name or NO_COLUMN for name in taught]


def _stages(schedule: Schedule) -> np.ndarray:
    """The number of each row, shape (N+1, 1)."""
    return np.arange(schedule.stages + 1)[:, None]
