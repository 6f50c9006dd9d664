"""The interval of a mean over evaluation sets, some of which may share clusters.

Sets that share clusters depend on each other. They are drawn together, so the mean over them has
replicates, and its interval comes from these. Sets that share none are independent, and the
interval of a mean over such groups follows from theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lethe.metrics.drawn_clusters import DrawnClusters, apart, number
from lethe.metrics.intervals import (
    EVERYWHERE,
    Range,
    bootstrap_interval,
    mean_interval,
    share_interval,
)


@dataclass(frozen=True)
class Resampled:
    """What is behind the number of a set that shares clusters with others.

    Attributes:
        replicates: (resamples,). clusters: those drawn for it.
        items: their number. coin: variance to add, as of `bootstrap_interval`.
    """

    replicates: np.ndarray
    clusters: DrawnClusters
    items: int
    coin: float = 0.0


@dataclass(frozen=True)
class OfSet:
    """A number of one set with its 95 % interval; drawn: None if the set shares no clusters."""

    value: float
    low: float
    high: float
    drawn: Resampled | None = None


def interval_over_sets(
    parts: Sequence[OfSet], is_share: bool, within: Range = EVERYWHERE
) -> tuple[float, float]:
    """The 95 % interval of the mean of the parts' values; nan if one has none.

    is_share: whether it is a mean of outcomes between 0 and 1, with `share_interval`; else it has
    `bootstrap_interval`, of which `within` is the range.
    """
    groups = _groups(parts)
    ends = [_group(group, is_share, within) for group in groups]
    if len(ends) == 1:
        return ends[0][1:]
    # Each group counts by its sets: by 1, to the last bit, where every group is a single set.
    weights = np.array([len(group) for group in groups]) * len(groups) / max(len(parts), 1)
    values, lows, highs = (weights * np.array([each[end] for each in ends]) for end in range(3))
    return mean_interval(values, lows, highs)


def _groups(parts: Sequence[OfSet]) -> list[list[OfSet]]:
    """The parts in groups that share no cluster with each other."""
    known = [(part, part.drawn.clusters) for part in parts if part.drawn]
    alone = [[part] for part in parts if not part.drawn]
    together = apart([clusters for _, clusters in known])
    return [*alone, *([known[place][0] for place in group] for group in together)]


def _group(group: Sequence[OfSet], is_share: bool, within: Range) -> tuple[float, float, float]:
    """(Mean, low, high) of parts that share clusters."""
    if len(group) == 1:
        return group[0].value, group[0].low, group[0].high
    drawn = [part.drawn for part in group if part.drawn]
    value = float(np.mean([part.value for part in group]))
    replicates = np.mean([each.replicates for each in drawn], axis=0)
    items = sum(each.items for each in drawn)
    clusters = number([each.clusters for each in drawn])
    if min(int(each.clusters.present.sum()) for each in drawn) < 2:
        return value, float("nan"), float("nan")
    if is_share:
        return value, *share_interval(value, replicates, clusters - 1, items, clusters)
    coin = sum(each.coin for each in drawn) / len(drawn) ** 2
    shared = 1 - clusters / items
    return value, *bootstrap_interval(value, replicates, clusters - 1, coin, shared, within)
