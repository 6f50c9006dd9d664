"""The interval of one row of the metrics table: which formula, and the range it must stay in."""

from collections.abc import Callable, Sequence

import numpy as np

from lethe.metrics.cells import Cells
from lethe.metrics.general import GENERAL_METRICS
from lethe.metrics.intervals import FEW_CLUSTERS, bootstrap_interval, share_interval
from lethe.metrics.matrix import TASK_METRICS

# Statistics that are means of scores; all others are differences or ratios of scores.
MEANS = frozenset({"own_before", "own_after", "own_final"})
MEANS |= {"acc", "la", "aia", "a_diaz", "fwt_diaz", "op_trace"}
REGISTERED = {entry.id: entry for entry in [*GENERAL_METRICS, *TASK_METRICS]}
NO_SPREAD = "all resamples alike"
ONE_CLUSTER = "a single cluster, no interval"
FEW = f"fewer than {FEW_CLUSTERS} clusters"
STEP = 1e-6
EVERYWHERE = (-np.inf, np.inf)

# From scores, shape (..., T+1, E'), to its value, shape (...).
Statistic = Callable[[np.ndarray], np.ndarray]


def row_interval(
    name: str,
    value: float,
    cells: Cells,
    columns: Sequence[int],
    function: Statistic,
) -> tuple[float, float]:
    """The 95 % interval of a statistic of the columns' scores, (nan, nan) without replicates."""
    replicates = np.asarray(function(cells.replicates[:, :, columns]))
    degrees = cells.degrees(columns)
    items, clusters = cells.items(columns), int(cells.n_units[list(columns)].sum())
    shared = 1 - clusters / max(items, 1)
    if not cells.are_shares[list(columns)].all():
        return bootstrap_interval(value, replicates, degrees, shared=shared)
    if is_mean_of_scores(name):
        return share_interval(value, replicates, degrees, items, clusters)
    slopes = _slopes(function, cells.values[:, columns])
    coin = float(np.nansum(slopes**2 * cells.coins(columns)))
    ends = bootstrap_interval(value, replicates, degrees, coin, shared)
    low, high = np.clip(ends, *_range(name))
    return float(low), float(high)


def is_mean_of_scores(name: str) -> bool:
    """Whether a metric is a score or a mean of scores, not a difference or a ratio of them."""
    return name in MEANS or name.startswith("score_")


def share_range(values: Sequence[float], top: float = 1.0) -> tuple[float, float]:
    """0 and `top` (100 for percentages) if all scores lie between these, else no bounds."""
    return (0.0, top) if all(0 <= value <= top for value in values) else EVERYWHERE


def interval_notes(low: float, high: float, cells: Cells, columns: Sequence[int]) -> list[str]:
    """What a reader must know of the interval, apart from the cells' own notes."""
    units = cells.n_units[list(columns)]
    if np.isnan(low):
        return [ONE_CLUSTER] if (units == 1).any() else []
    notes = [NO_SPREAD] if low == high else []
    return [*notes, FEW] if units.sum() < FEW_CLUSTERS else notes


def _slopes(function: Statistic, values: np.ndarray) -> np.ndarray:
    """How a statistic changes with each score, (T+1, E'); nan where it is not defined."""
    moved = values + STEP * np.eye(values.size).reshape(values.size, *values.shape)
    return ((function(moved) - function(values)) / STEP).reshape(values.shape)


def _range(name: str) -> tuple[float, float]:
    """The least and the greatest value of a statistic of scores between 0 and 1."""
    entry = REGISTERED.get(name)
    if entry is None or entry.unit in ("score", "share"):
        return (0.0, 1.0) if entry and entry.sign.startswith("higher is better") else (-1.0, 1.0)
    if entry.unit == "points":
        return -100.0, 100.0
    return -np.inf, np.inf if name == "fg_chance" else 100.0
