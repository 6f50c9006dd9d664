"""Standard errors of one score over its items; items of a cluster are dependent."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

RESAMPLES = 200
SEED = 20230817


def mean_stderr(values: Sequence[float], clusters: Sequence[Hashable]) -> float | None:
    """Standard error of a mean; None for a single item or cluster.

    Independent items: sqrt(p (1 - p) / n) for outcomes of 0 and 1, else the sample's standard
    deviation over sqrt(n). Repeated clusters: the clustered (sandwich) error with the factor
    G / (G - 1) for G clusters (Miller 2024, "Adding error bars to evals").
    """
    data = np.asarray(values, dtype=float)
    n = len(data)
    if n < 2:
        return None
    index = np.asarray(_codes(clusters), dtype=int)
    groups = int(index.max()) + 1
    if groups == n:
        if np.isin(data, (0.0, 1.0)).all():
            return float(np.sqrt(data.mean() * (1 - data.mean()) / n))
        return float(data.std(ddof=1) / np.sqrt(n))
    if groups < 2:
        return None
    sums = np.bincount(index, weights=data - data.mean(), minlength=groups)
    return float(np.sqrt((sums**2).sum() * groups / (groups - 1)) / n)


def bootstrap_stderr(
    statistics: Sequence[Any],
    clusters: Sequence[Hashable],
    aggregate: Callable[[list], float],
    of_sums: Callable[[np.ndarray], np.ndarray] | None = None,
) -> float | None:
    """Standard deviation of a corpus metric over resampled clusters; None for a single cluster.

    Args:
        statistics: each item's input to `aggregate`.
        aggregate: the corpus metric; called on `RESAMPLES` resamples drawn with a fixed seed.
        of_sums: the same metric from summed statistics, [resamples, k] -> [resamples]; much
            faster, for metrics that depend only on the items' sum.
    """
    index = np.asarray(_codes(clusters), dtype=int)
    groups = int(index.max()) + 1 if len(index) else 0
    if groups < 2:
        return None
    drawn = np.random.default_rng(SEED).integers(groups, size=(RESAMPLES, groups))
    if of_sums is not None:
        times = np.stack([np.bincount(row, minlength=groups) for row in drawn])
        values = of_sums(times[:, index] @ np.asarray(statistics, dtype=float))
    else:
        members = [np.flatnonzero(index == group) for group in range(groups)]
        samples = [np.concatenate([members[group] for group in row]) for row in drawn]
        values = [aggregate([statistics[i] for i in sample]) for sample in samples]
    return float(np.std(values, ddof=1))


def _codes(clusters: Sequence[Hashable]) -> list[int]:
    codes: dict[Hashable, int] = {}
    return [codes.setdefault(cluster, len(codes)) for cluster in clusters]
