"""Metrics of general ability: G (N+1 by E), elements e that no stage trains on, row 0 the base."""

import numpy as np

from lethe.metrics.registry import REGISTRY, every_cell, first_and_last_row, metric

LUO = "Luo et al. 2023 (arXiv 2308.08747)"
DROP = "positive = drop (for bias: less stereotype preference)"
FLOOR_STDERRS = 2.0
# A set with a wide error may be within two of them from 1 and still have much to lose.
LEAST_CEILING = 0.9


@metric(
    "fg_luo",
    formula="100/|E| sum_e 1/N sum_{m=1..N} (G[0,e] - G[m,e]) / G[0,e]",
    source=f"{LUO}, FG",
    sign=DROP,
    unit="%",
    cells=every_cell,
)
def fg_luo(G):
    """Relative drop, mean over all N stages and over elements, in % (Luo 2023).

    nan if an element's base score is 0 or, as of log-probabilities, below.
    """
    return 100 * _relative_drop(G[..., 1:, :], G[..., :1, :], _positive(G[..., 0, :])).mean(-1)


@metric(
    "fg_last",
    formula="100/|E| sum_e (G[0,e] - G[N,e]) / G[0,e]",
    source=f"{LUO}, FG with m = N only (ours)",
    sign=DROP,
    unit="%",
    cells=first_and_last_row,
)
def fg_last(G):
    """Relative drop after the last stage, mean over elements, in %; nan as `fg_luo`."""
    return 100 * _relative_drop(G[..., -1:, :], G[..., :1, :], _positive(G[..., 0, :])).mean(-1)


@metric(
    "fg_chance",
    formula="100/|E'| sum_e 1/N sum_m (G[0,e] - G[m,e]) / (G[0,e] - chance[e]), E' not at floor",
    source=f"{LUO}, FG of what lies above chance (ours)",
    sign=DROP,
    unit="%",
    cells=every_cell,
)
def fg_chance(G, chance, floor):
    """Drop relative to the base's score above chance, mean over stages and elements, in %.

    chance: (E,) score of a random guess; floor: (E,) 1 for elements "at floor" (`at_floor`), which
    are left out. nan if all elements are at floor.
    """
    kept = floor == 0
    if not kept.any():
        return np.full(G.shape[:-2], np.nan)
    kept_scores = G[..., kept]
    above = kept_scores[..., 0, :] - chance[kept]
    return 100 * _relative_drop(kept_scores[..., 1:, :], kept_scores[..., :1, :], above).mean(-1)


@metric(
    "drop_points",
    formula="100/|E| sum_e (G[0,e] - G[N,e])",
    source="common, e.g. Biderman et al. 2024 (arXiv 2405.09673)",
    sign=DROP,
    unit="points",
    cells=first_and_last_row,
)
def drop_points(G):
    """Absolute drop after the last stage in points (hundredths), mean over elements."""
    return 100 * (G[..., 0, :] - G[..., -1, :]).mean(-1)


@metric(
    "delta_general",
    formula="1/M sum_e (G[T,e] - G[0,e])",
    source="Wang et al. 2023 (TRACE, arXiv 2310.06762), General Ability Delta",
    sign="negative = loss",
    cells=first_and_last_row,
)
def delta_general(G):
    """General Ability Delta after the last stage (TRACE)."""
    return (G[..., -1, :] - G[..., 0, :]).mean(-1)


GENERAL_METRICS = [entry for entry in REGISTRY.values() if entry.function.__module__ == __name__]


def at_floor(base: np.ndarray, chance: np.ndarray, stderr: np.ndarray) -> np.ndarray:
    """True where the base is not above chance by more than two standard errors; shape (E,)."""
    return base - chance <= FLOOR_STDERRS * stderr


def place_of_base(value: float, chance: float, stderr: float) -> str:
    """`floor`: nothing can be seen to be forgotten; `ceiling`: small losses stay hidden; or empty.

    Floor: not above chance by more than two standard errors; ceiling: within two of 1, and at
    least 0.9. A missing error counts as 0, a missing score is `missing`.
    """
    if np.isnan(value):
        return "missing"
    margin = FLOOR_STDERRS * float(np.nan_to_num(stderr))
    if value - chance <= margin:
        return "floor"
    return "ceiling" if 1 - value <= margin and value >= LEAST_CEILING else ""


def _positive(base: np.ndarray) -> np.ndarray:
    """0 in place of negative scores: relative to these, a drop would be a gain."""
    return np.maximum(base, 0)


def _relative_drop(later: np.ndarray, base: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    """Mean over stages of (base - later) / divisor, shape (..., E); nan where divisor is 0."""
    drop = (base - later).mean(-2)
    safe = np.where(divisor == 0, 1.0, divisor)
    return np.where(divisor == 0, np.nan, drop / safe)
