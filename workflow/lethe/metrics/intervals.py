"""95 % intervals: cluster bootstrap over items, and Student's t over seeds.

Items of one cluster (a passage, a subject, a pair) depend on each other, so whole clusters are
drawn. One draw serves all checkpoints that were scored on the same items: differences are paired.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

RESAMPLES = 1000
LEVEL = 0.95


def cluster_weights(clusters: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """How often each cluster is drawn in each resample: float array (resamples, clusters)."""
    return generator.multinomial(clusters, np.full(clusters, 1 / clusters), resamples).astype(float)


def resampled_means(values: np.ndarray, cluster: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over drawn items, float array (resamples, columns); nan where no item was drawn.

    values: (items, columns), a column per checkpoint. cluster: (items,) index of the item's
    cluster. weights: (resamples, clusters) from `cluster_weights`, the same for all columns.
    """
    clusters = weights.shape[1]
    sums = np.zeros((clusters, values.shape[1]))
    np.add.at(sums, cluster, values)
    drawn = weights @ np.bincount(cluster, minlength=clusters)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights @ sums) / drawn[:, None]


def item_generator(seed: int, name: str, clusters: Sequence[str]) -> np.random.Generator:
    """Generator that depends only on the seed, the name and the clusters, not on other sets."""
    text = "\0".join([name, *clusters]).encode()
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(text).digest()[:8], "big")])


def percentile_interval(replicates: np.ndarray) -> tuple[float, float]:
    """Bootstrap percentile interval of (resamples,) values; nan values are left out."""
    finite = replicates[np.isfinite(replicates)]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def t_interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's t interval of a mean over n >= 3 seeds; (nan, nan) for fewer."""
    array = np.asarray(values, dtype=float)
    n = len(array)
    if n < 3 or np.isnan(array).any():
        return float("nan"), float("nan")
    half = stdtrit(n - 1, (1 + LEVEL) / 2) * array.std(ddof=1) / np.sqrt(n)
    return float(array.mean() - half), float(array.mean() + half)
