"""Intervals of sums of scores on items whose clusters may occur in several sets.

A word's stem may be asked for in several end tasks and after every stage. A sum of scores (a mean
over end tasks, own less final, a method less another) depends on each cluster through its part: the
deviations of the cluster's items from their set's mean, over the set's number of items, times the
score's sign and weight, added up. The parts of the clusters are the independent units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import stdtr, stdtrit

from lethe.metrics.drawn_clusters import plain_names
from lethe.metrics.intervals import (
    LEVEL,
    RESAMPLES,
    bootstrap_interval,
    cluster_weights,
    item_generator,
    share_interval,
)


@dataclass(frozen=True)
class ItemScore:
    """A score that is a mean over items, with the part of each cluster in its deviation.

    parts: by cluster, they add up to 0. coin: variance of the score if one item were a coin toss,
    with its cluster.
    """

    value: float
    items: int
    parts: dict[str, float]

    @property
    def coin(self) -> float:
        return 1 / (4 * self.items * len(self.parts))


@dataclass(frozen=True)
class ClusterInterval:
    """A sum of scores with its 95 % interval over clusters."""

    value: float
    low: float
    high: float
    items: int
    clusters: int


def item_score(values: np.ndarray, clusters: Sequence[str]) -> ItemScore:
    """The mean of items' values, (items,), with their clusters' names."""
    names, place = np.unique(np.asarray(clusters, dtype=object), return_inverse=True)
    parts = np.bincount(place, values - values.mean(), len(names)) / len(values)
    return ItemScore(float(values.mean()), len(values), dict(zip(names, parts, strict=True)))


def level(scores: Sequence[ItemScore], seed: int, resamples: int = RESAMPLES) -> ClusterInterval:
    """The mean of scores between 0 and 1, with `share_interval` over all their clusters."""
    weighted = [(1 / len(scores), score) for score in scores]
    value, parts = _summed(weighted)
    replicates = value + _moves(parts, seed, resamples)
    items, clusters = sum(score.items for score in scores), len(parts)
    low, high = share_interval(value, replicates, clusters - 1, items, clusters)
    return ClusterInterval(value, low, high, items, clusters)


def difference(
    weighted: Sequence[tuple[float, ItemScore]], seed: int, resamples: int = RESAMPLES
) -> ClusterInterval:
    """A sum of scores with weights that add up to 0, with `bootstrap_interval` over clusters.

    Scores on the same items are paired, as their clusters are the same.
    """
    value, parts = _summed(weighted)
    moves = _moves(parts, seed, resamples)
    clusters = len(parts)
    coin = sum(weight**2 * score.coin for weight, score in weighted) / 2
    items = sum(score.items for weight, score in weighted if weight > 0)
    low, high = bootstrap_interval(value, value + moves, clusters - 1, coin, 1 - clusters / items)
    return ClusterInterval(value, low, high, items, clusters)


def p_of_difference(value: float, low: float, high: float, clusters: int) -> float:
    """Two-sided p of Student's t from the ends of `difference`; nan without an interval."""
    # The end on the side without skew is the plain one.
    half = min(value - low, high - value)
    if clusters < 2 or not half > 0:
        return float("nan")
    t = value / half * stdtrit(clusters - 1, (1 + LEVEL) / 2)
    return float(2 * stdtr(clusters - 1, -abs(t)))


def _summed(weighted: Sequence[tuple[float, ItemScore]]) -> tuple[float, dict[str, float]]:
    """The sum's value, and by cluster its part in the sum."""
    parts: dict[str, float] = {}
    for weight, score in weighted:
        for cluster, part in score.parts.items():
            parts[cluster] = parts.get(cluster, 0.0) + weight * part
    return sum(weight * score.value for weight, score in weighted), parts


def _moves(parts: dict[str, float], seed: int, resamples: int) -> np.ndarray:
    """How far a sum moves in each resample of its clusters, (resamples,)."""
    names, clusters = tuple(sorted(parts)), len(parts)
    weights = _drawn(names, seed, resamples)
    return weights @ np.array([parts[name] for name in names]) * clusters / max(clusters - 1, 1)


# The numbers of a world's runs are sums over few sets of clusters, in turn.
@lru_cache(maxsize=8)
def _drawn(names: tuple[str, ...], seed: int, resamples: int) -> np.ndarray:
    """How often each cluster is drawn in each resample, (resamples, clusters)."""
    return cluster_weights(
        len(names), resamples, item_generator(seed, "end tasks", plain_names(names))
    )
