"""The interval of one row of the metrics table: which formula, and the range it must stay in."""

from collections.abc import Callable, Sequence

import numpy as np

from lethe.metrics.cells import Cells
from lethe.metrics.corpus_level import CORPUS_LEVEL
from lethe.metrics.general import GENERAL_METRICS
from lethe.metrics.intervals import (
    EVERYWHERE,
    FEW_CLUSTERS,
    NOT_NEGATIVE,
    Range,
    bootstrap_interval,
    mean_interval,
    share_interval,
)
from lethe.metrics.matrix import TASK_METRICS

# Statistics that are means of scores; all others are differences or ratios of scores.
MEANS = frozenset({"own_before", "own_after", "own_final"})
MEANS |= {
    "own_base",
    "own_end",
    "old_base",
    "old_own",
    "acc",
    "la",
    "aia",
    "a_diaz",
    "fwt_diaz",
    "op_trace",
}
MEANS |= {"cloze", "cloze_base", "cloze_own", "cloze_final"}
LOSSES = frozenset({"loss", "loss_base", "loss_own", "loss_final"})
LOSSES |= {"text_loss", "text_loss_base", "text_loss_final"}
"""Means of losses, in nats."""
REGISTERED = {entry.id: entry for entry in [*GENERAL_METRICS, *TASK_METRICS]}
NO_SPREAD = "all items alike, no interval"
ONE_CLUSTER = "a single cluster, no interval"
FEW = f"fewer than {FEW_CLUSTERS} clusters"
STEP = 1e-6
MEAN_SCORE = "mean_score"
"""The mean over an axis' sets of their scores after a stage."""

WITHIN = "within"
"""In rows beside the columns of a table: the range that a value, and so a mean, cannot leave."""

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
    are_shares = bool(cells.are_shares[list(columns)].all())
    if name == MEAN_SCORE or is_mean_of_scores(name) and are_shares:
        return _interval_of_mean(value, cells, columns, function)
    replicates = np.asarray(function(cells.replicates[:, :, columns]))
    degrees = _degrees(cells, columns, function)
    items, clusters = cells.items(columns), cells.number_of_units(columns)
    shared = 1 - clusters / max(items, 1)
    coin = 0.0
    if are_shares:
        slopes = _slopes(function, cells.values[:, columns])
        coin = float(np.nansum(slopes**2 * cells.coins(columns)))
    within = metric_range(name, are_shares)
    ends = bootstrap_interval(value, replicates, degrees, coin, shared, within)
    low, high = np.clip(ends, *within)
    return float(low), float(high)


def _interval_of_mean(
    value: float, cells: Cells, columns: Sequence[int], function: Statistic
) -> tuple[float, float]:
    """That of a mean of scores, from the interval of each set's part in it.

    Sets that share clusters are one part. A part of few clusters, or whose items are all alike, is
    as uncertain in a mean as alone, however many items the others have.
    """
    parts, lows, highs = [], [], []
    for group in cells.apart(columns):
        only = np.isin(columns, group)
        weight = float(function(np.broadcast_to(only, cells.values[:, columns].shape) * 1.0))
        if weight == 0:
            continue
        part, drawn = (
            np.asarray(function(np.where(only, scores[..., columns], 0.0))) / weight
            for scores in (cells.values, cells.replicates)
        )
        items, units = cells.items(group), cells.number_of_units(group)
        if cells.are_shares[group].all():
            # Near 0 a corpus-level score moves less than its sentences, whose spread stands for it:
            # it is no less certain than a share of as many clusters.
            metric = cells.evaluations[group[0]].metric.partition(",")[0]
            least = units if len(group) == 1 and metric in CORPUS_LEVEL else 0.0
            ends = share_interval(float(part), drawn, units - 1, items, units, least)
        else:
            ends = bootstrap_interval(float(part), drawn, units - 1, shared=1 - units / items)
        parts.append(weight * part)
        lows.append(weight * ends[0])
        highs.append(weight * ends[1])
    if len(parts) == 1:
        return lows[0], highs[0]
    sets = len(parts)
    return mean_interval(sets * np.array(parts), sets * np.array(lows), sets * np.array(highs))


def _degrees(cells: Cells, columns: Sequence[int], function: Statistic) -> int:
    """Degrees of freedom of a statistic's spread: those of sets that share no clusters add up.

    Where one has few clusters it may bring most of the spread and few degrees, so there they are
    those of Welch (1947, Biometrika 34, 28), with the share of each set in the variance.
    """
    groups = cells.apart(columns)
    degrees = np.array([cells.degrees(group) for group in groups])
    if degrees.min() < 1 or (degrees + 1 >= FEW_CLUSTERS).all():
        return cells.degrees(columns)
    values, drawn = cells.values[:, columns], cells.replicates[:, :, columns]
    alone = [np.isin(columns, group) for group in groups]
    variances = np.array([np.nanvar(function(np.where(one, drawn, values))) for one in alone])
    if not variances.sum() > 0:
        return int(degrees.min())
    return max(int(variances.sum() ** 2 / (variances**2 / degrees).sum()), 1)


def is_mean_of_scores(name: str) -> bool:
    """Whether a metric is a score or a mean of scores, not a difference or a ratio of them."""
    return name in MEANS or name == MEAN_SCORE or name.startswith("score_")


def metric_range(name: str, are_shares: bool) -> Range:
    """The least and the greatest value of a metric.

    are_shares: whether the scores behind it lie between 0 and 1.
    """
    if name in LOSSES:
        return NOT_NEGATIVE
    if not are_shares:
        return EVERYWHERE
    return (0.0, 1.0) if is_mean_of_scores(name) else range_of_shares(name)


def share_range(values: Sequence[float], top: float = 1.0) -> Range:
    """0 and `top` (100 for percentages) if all scores lie between these, else no bounds."""
    return (0.0, top) if all(0 <= value <= top for value in values) else EVERYWHERE


def interval_notes(low: float, cells: Cells, columns: Sequence[int]) -> list[str]:
    """What a reader must know of the interval, apart from the cells' own notes."""
    units = cells.n_units[list(columns)]
    if np.isnan(low):
        return [ONE_CLUSTER] if (units == 1).any() else [NO_SPREAD] if (units > 1).all() else []
    return [FEW] if units.min() < FEW_CLUSTERS else []


def _slopes(function: Statistic, values: np.ndarray) -> np.ndarray:
    """How a statistic changes with each score, (T+1, E'); nan where it is not defined."""
    moved = values + STEP * np.eye(values.size).reshape(values.size, *values.shape)
    return ((function(moved) - function(values)) / STEP).reshape(values.shape)


def range_of_shares(name: str) -> Range:
    """The least and the greatest value of a statistic of scores between 0 and 1."""
    entry = REGISTERED.get(name)
    if entry is None or entry.unit in ("score", "share"):
        return (0.0, 1.0) if entry and entry.sign.startswith("higher is better") else (-1.0, 1.0)
    if entry.unit == "points":
        return -100.0, 100.0
    return -np.inf, 100.0 if entry.unit == "%" and name != "fg_chance" else np.inf
