"""Measures of probabilities of choices, resampled: one draw for checkpoints of the same items."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from lethe.longtables.calibration_columns import BRIER, COVERAGE, ECE, OVERCONFIDENCE, range_of
from lethe.longtables.items import CHOICE
from lethe.metrics.drawn_clusters import Names
from lethe.metrics.intervals import FEW_CLUSTERS, bootstrap_interval, share_interval
from lethe.metrics.probabilities import (
    BINS,
    Probabilities,
    bins_of,
    brier,
    covered,
    ece,
    probabilities,
    thresholds,
)
from lethe.metrics.resamples import draw_items
from lethe.metrics.set_means import OfSet, Resampled


@dataclass(frozen=True)
class Measured:
    """A number and its replicates (resamples,)."""

    value: float
    replicates: np.ndarray

    def __sub__(self, other: "Measured") -> "Measured":
        """The paired difference: both come from the same draws."""
        return Measured(self.value - other.value, self.replicates - other.replicates)


class SameItems:
    """The checkpoints of one set that were scored on the same items.

    Attributes:
        nodes: (checkpoints,). rows: (items, checkpoints) places in the set's table.
        draw: of their clusters. clusters: their number.
        half: (items,) in which half of the items it is, with its whole cluster.
    """

    def __init__(
        self,
        probe: str,
        nodes: np.ndarray,
        items: pd.DataFrame,
        rows: np.ndarray,
        seed: int,
        resamples: int,
        together: Names = (),
    ):
        self.nodes, self.rows, self._items = list(nodes), rows, items
        first = items.iloc[rows[:, 0]]
        self.draw = draw_items(probe, first, seed, resamples, together)
        identities = first["cluster_id"].to_numpy(dtype=object)
        places, names = pd.factorize(identities, sort=True)
        self.clusters = len(names)
        self.is_few = self.clusters < FEW_CLUSTERS
        order = sorted(range(self.clusters), key=lambda place: _scattered(seed, names[place]))
        halves = np.zeros(self.clusters, dtype=bool)
        halves[order[::2]] = True
        self.half = halves[places]

    def drawn(self, node: str) -> "Drawn":
        """One checkpoint's probabilities."""
        return Drawn(self, self._items.iloc[self.rows[:, self.nodes.index(node)]])

    def sums(self, values: np.ndarray, of: np.ndarray) -> np.ndarray:
        """(drawn clusters, columns) sums of values (items', columns) of the items `of`."""
        found = np.zeros((self.draw.weights.shape[1], values.shape[1]))
        np.add.at(found, self.draw.cluster[of], values)
        return found


def _scattered(seed: int, name: str) -> bytes:
    """A key by which clusters are in an order that has nothing to do with their names."""
    return hashlib.sha256(f"{seed}\0{name}".encode()).digest()


class Drawn:
    """The probabilities of one checkpoint on a set, and their measures.

    Attributes:
        items: the checkpoints that share its draws.
        known: (items,) which items have log-probabilities and a right answer.
        commonest: share of the commonest answer. n: number of known items.
    """

    def __init__(self, items: SameItems, answers: pd.DataFrame):
        self.items = items
        names = [name for name in answers.columns if name.startswith(CHOICE)]
        logprobs, gold = answers[names].to_numpy(dtype=float), answers["gold_logprob"].to_numpy()
        kept = np.isfinite(logprobs).sum(axis=1)
        self.known = (kept > 1) & ~np.isnan(gold)
        self.n = int(self.known.sum())
        self.is_kept = self.n > 0
        self.choices = kept[self.known]
        self._logprobs, self._gold = logprobs[self.known], gold[self.known]
        shares = answers["predicted"].value_counts(normalize=True)
        self.commonest = float(shares.iloc[0]) if len(shares) else 0.0

    def knows_as(self, other: "Drawn") -> bool:
        """Whether two checkpoints have probabilities of the same items."""
        return self.items is other.items and np.array_equal(self.known, other.known)

    @cached_property
    def found(self) -> Probabilities:
        return probabilities(self._logprobs, self._gold)

    @cached_property
    def _counts(self) -> np.ndarray:
        """(resamples,) items drawn."""
        ones = np.ones((self.n, 1))
        return self.items.draw.weights @ self.items.sums(ones, self.known)[:, 0]

    @cached_property
    def measured(self) -> dict[str, Measured]:
        """Every measure but the coverage, which needs the base."""
        found, gap = self.found, self.found.right - self.found.confidence
        by_bin = np.zeros((self.n, BINS))
        by_bin[np.arange(self.n), bins_of(found.confidence)] = gap
        drawn = self._means(by_bin)
        return {
            ECE: Measured(ece(found), np.abs(drawn).sum(axis=1)),
            BRIER: self._mean(brier(found)),
            OVERCONFIDENCE: self._mean(-gap),
        }

    def coverage(self, base: "Drawn") -> Measured | None:
        """Of conformal sets whose thresholds come from the base, on the other half of the items.

        None if a half is too small for a threshold. The two know the same items.
        """
        threshold = thresholds(1 - base.found.gold, self.items.half[self.known])
        if np.isnan(threshold).any():
            return None
        return self._mean(covered(self.found.gold, threshold))

    def _mean(self, values: np.ndarray) -> Measured:
        return Measured(float(values.mean()), self._means(values[:, None])[:, 0])

    def _means(self, values: np.ndarray) -> np.ndarray:
        """(resamples, columns) means of values (n, columns) over the items drawn."""
        sums = self.items.draw.weights @ self.items.sums(values, self.known)
        with np.errstate(invalid="ignore", divide="ignore"):
            return sums / self._counts[:, None]


def of_set(name: str, measured: Measured, drawn: Drawn) -> OfSet:
    """A measure or its difference to the base, with its 95 % interval within its range.

    Coverage is a share of items, and has their intervals; thresholds are taken as they are.
    """
    clusters = drawn.items.draw.units(drawn.known)
    # Items of which none changed leave open what one more would do, as in row_intervals.
    coin = 2 / (4.0 * drawn.n * clusters) if name.startswith(COVERAGE) else 0.0
    value, replicates = measured.value, measured.replicates
    if name == COVERAGE:
        ends = share_interval(value, replicates, clusters - 1, drawn.n, clusters)
    else:
        shared = 1 - clusters / drawn.n
        within = range_of(name)
        ends = bootstrap_interval(value, replicates, clusters - 1, coin, shared, within)
    low, high = np.clip(ends, *range_of(name))
    together = drawn.items.draw.clusters(drawn.known)
    behind = Resampled(replicates, together, drawn.n, coin) if together else None
    return OfSet(value, float(low), float(high), behind)
