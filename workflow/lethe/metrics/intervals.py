"""95 % intervals: cluster bootstrap over items, and Student's t over seeds.

Items of one cluster (a passage, a subject, a pair) depend on each other, so whole clusters are
drawn. One draw serves all checkpoints that were scored on the same items: differences are paired.

The bootstrap says how far a statistic spreads. Its percentiles cover too little for few clusters
(71 to 94 % for eight), so the ends come from Student's t with that spread; what these cover is in
`benchmarks/RESULTS.md`.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

RESAMPLES = 1000
LEVEL = 0.95
# Fewer clusters are noted: their intervals are wide, and may still cover less than 95 %.
FEW_CLUSTERS = 8
SMALL = 1e-9
Range = tuple[float, float]
EVERYWHERE: Range = (-np.inf, np.inf)
NOT_NEGATIVE: Range = (0.0, np.inf)
"""The range of losses and costs."""


def cluster_weights(clusters: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """How often each cluster is drawn in each resample: float array (resamples, clusters).

    One fewer is drawn than there are: the variance over resamples is then that of the statistic,
    where as many give (n - 1) / n of it (Hesterberg 2015, arXiv 1411.5279, section 3.2).
    """
    drawn = max(clusters - 1, 1)
    return generator.multinomial(drawn, np.full(clusters, 1 / clusters), resamples).astype(float)


def resampled_means(
    values: np.ndarray, cluster: np.ndarray, weights: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """Mean over drawn items, float array (resamples, columns); nan where no item was drawn.

    values: (items, columns), a column per checkpoint. cluster: (items,) index of the item's
    cluster. weights: (resamples, clusters) from `cluster_weights`, the same for all columns.
    counts: (items, columns), what an item counts for in a mean, as its tokens; None: 1 each.
    """
    if counts is None:
        sums = _by_cluster(values, cluster, weights.shape[1])
        drawn = (weights @ np.bincount(cluster, minlength=weights.shape[1]))[:, None]
    else:
        sums = _by_cluster(values * counts, cluster, weights.shape[1])
        drawn = weights @ _by_cluster(counts, cluster, weights.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights @ sums) / drawn


def _by_cluster(values: np.ndarray, cluster: np.ndarray, clusters: int) -> np.ndarray:
    """Sums over each cluster's items, (clusters, columns)."""
    sums = np.zeros((clusters, values.shape[1]))
    np.add.at(sums, cluster, values)
    return sums


def item_generator(seed: int, name: str, clusters: Sequence[str]) -> np.random.Generator:
    """Generator that depends only on the seed, the name and the clusters, not on other sets."""
    text = "\0".join([name, *clusters]).encode()
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(text).digest()[:8], "big")])


def bootstrap_interval(
    value: float,
    replicates: np.ndarray,
    degrees: int,
    coin: float = 0.0,
    shared: float = 1.0,
    within: Range = EVERYWHERE,
) -> tuple[float, float]:
    """Student's t interval of a statistic, with the spread and the skew of its replicates.

    The end on the side of the skew is moved out as in Johnson 1978 (JASA 73, 536), the other one
    is kept: few clusters of unequal size or likeness are skewed, many independent items are not.

    Args:
        replicates: (resamples,); values that are not finite are left out.
        degrees: of freedom: clusters less one, summed over sets. (nan, nan) if there are none.
        coin: variance to add for answers that none of these items showed to change.
        shared: how far items share clusters, from 0 (one item each) to 1; weighs the skew.
        within: the range of the statistic, for clusters that show no spread.
    """
    spread, skew = _spread_and_skew(replicates)
    if degrees < 1 or np.isnan(spread):
        return float("nan"), float("nan")
    if spread == coin == 0:
        return _without_spread(value, degrees + 1, degrees, within)
    error = np.hypot(spread, np.sqrt(coin))
    low, high = _t_ends(degrees, skew * shared)
    return value - low * error, value + high * error


def share_interval(
    value: float,
    replicates: np.ndarray,
    degrees: int,
    items: int,
    clusters: int,
    least: float = 0.0,
) -> tuple[float, float]:
    """Interval of a mean of outcomes between 0 and 1, within these bounds.

    Wilson's interval (1927, JASA 22, 209) with Student's t, for as many independent items as would
    spread like the replicates. Where items share clusters this number is mixed with that of the
    clusters, with the weight of half an item: if all items agree, there are that many.
    Clusters whose means are alike between 0 and 1 show no spread either, and are no more certain.

    Args:
        replicates, degrees: as for `bootstrap_interval`.
        items, clusters: numbers behind the mean.
        least: fewest independent items that the spread may stand for.
    """
    spread, skew = _spread_and_skew(replicates)
    if degrees < 1 or np.isnan(spread):
        return float("nan"), float("nan")
    if spread == 0:
        return _without_spread(value, clusters, degrees, (0.0, 1.0))
    shared = 1 - clusters / items
    mixed = max(shared / 2, SMALL) / items
    effective = (value * (1 - value) + mixed) / (spread**2 + mixed / clusters)
    effective = max(effective, least)
    # Wilson's ends are asymmetric themselves, as independent items ask for. Of the skew of clusters
    # they account for about half.
    low, high = _t_ends(degrees, skew * shared / 2)
    return _wilson(value, effective, -low), _wilson(value, effective, high)


def _without_spread(
    value: float, clusters: int, degrees: int, within: Range
) -> tuple[float, float]:
    """Interval of a mean whose clusters all have one value; nan without a bounded range.

    As many clusters as Wilson's interval leaves open of a share of 0 may have any value of the
    range. At 0 and 1 of a share this is Wilson's own.
    """
    if not np.isfinite(within).all():
        return float("nan"), float("nan")
    other = _wilson(0.0, clusters, _t_ends(degrees, 0.0)[1])
    low, high = ((1 - other) * value + other * end for end in within)
    return float(low), float(high)


def _wilson(value: float, items: float, t: float) -> float:
    """The share whose own standard error is `value` away from it t times; items is their number."""
    ratio = t**2 / items
    half = np.sqrt(ratio * value * (1 - value) + ratio**2 / 4)
    return float(np.clip((value + ratio / 2 + np.sign(t) * half) / (1 + ratio), 0, 1))


def _spread_and_skew(replicates: np.ndarray) -> tuple[float, float]:
    """Standard deviation and skewness (within -1 and 1) of finite replicates; nan if none."""
    finite = replicates[np.isfinite(replicates)]
    if not len(finite):
        return float("nan"), float("nan")
    away = finite - finite.mean()
    spread = float(np.sqrt(np.mean(away**2)))
    if spread <= SMALL * max(1.0, float(np.abs(finite).max())):
        return 0.0, 0.0
    return spread, float(np.clip(np.mean((away / spread) ** 3), -1, 1))


def _t_ends(degrees: int, skew: float) -> tuple[float, float]:
    """How many standard errors the lower and the upper end are from the value."""
    t = float(stdtrit(degrees, (1 + LEVEL) / 2))
    shift = skew * (1 + 2 * t**2) / 6
    return t + max(-shift, 0.0), t + max(shift, 0.0)


def mean_interval(
    values: np.ndarray, lows: np.ndarray, highs: np.ndarray, dependent: bool = False
) -> tuple[float, float]:
    """Interval of the mean of values from their own; nan if one has none.

    It stays within any range that theirs stay in. Of independent values it is that of Zou & Donner
    2008 (Statistics in Medicine 27, 1693).

    dependent: values depend on each other in ways that are not known. Their errors are taken to go
    all the same way, so the ends are the means of the ends: at least as wide as they need be.
    """
    values, lows, highs = (np.asarray(each, dtype=float) for each in (values, lows, highs))
    if not len(values):
        return float("nan"), float("nan")
    if dependent:
        return float(lows.mean()), float(highs.mean())
    mean, n = values.mean(), len(values)
    below, above = np.sqrt(((values - lows) ** 2).sum()), np.sqrt(((highs - values) ** 2).sum())
    return float(mean - below / n), float(mean + above / n)


def t_interval(values: Sequence[float], within: Range = EVERYWHERE) -> tuple[float, float]:
    """Student's t interval of a mean over n >= 3 seeds; (nan, nan) for fewer.

    within: the range of the values, which the mean cannot leave. The interval is cut there.
    """
    array = np.asarray(values, dtype=float)
    n = len(array)
    if n < 3 or np.isnan(array).any():
        return float("nan"), float("nan")
    half = stdtrit(n - 1, (1 + LEVEL) / 2) * array.std(ddof=1) / np.sqrt(n)
    low, high = np.clip([array.mean() - half, array.mean() + half], *within)
    return float(low), float(high)


def interval_of_units(values: Sequence[float], within: Range = EVERYWHERE) -> tuple[float, float]:
    """`t_interval` of the numbers of seeds or worlds; (nan, nan) where these do not differ.

    Scores of a few items are often alike, as where all are right: they show no spread, and their
    mean is not certain for that.
    """
    array = np.asarray(values, dtype=float)
    if len(array) and np.ptp(array) <= SMALL * max(1.0, float(np.abs(array).max())):
        return float("nan"), float("nan")
    return t_interval(values, within)
