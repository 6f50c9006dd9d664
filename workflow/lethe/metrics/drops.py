"""The drop of a score from one checkpoint to another, on the same items, with tests and intervals.

Of right and wrong answers the test of a drop is Tango's score test (1998, Statistics in Medicine
17, 891): the variance is that under the tested drop, so few items of which none changed do not pass
for a small drop. Few changes are skewed, which the cube root of Wilson & Hilferty (1931, PNAS 17,
684) and half an item take into account. Of other scores it is Student's t, of shares with what a
coin toss for one answer before and one after adds, as in the metrics table. Items of one cluster
depend on each other, which lowers the number of items to that of as many independent ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.special import stdtr, stdtrit

from lethe.metrics.intervals import LEVEL

TAIL = (1 - LEVEL) / 2
"""The level of a one-sided test, and what lies beyond either end of an interval."""
SMALL = 1e-9
WEIGHT = 0.125
"""Of one item, in the number of independent items; more only costs power, none is too bold."""
HALVINGS = 40


class Statistic(Protocol):
    """How far an observed drop is above another one, in standard errors, and the way back."""

    def above(self, drop: float) -> float:
        """The distance in standard errors; it falls as the other drop rises."""
        ...

    def at(self, distance: float) -> float:
        """The drop at this distance."""
        ...

    def grown(self, times: float) -> "Statistic":
        """The same with so many times the items, of which the same shares changed."""
        ...


@dataclass(frozen=True)
class Drop:
    """Score before less score after, so that a positive value is worse.

    Attributes:
        statistic: how far this drop is above another one.
        degrees: of freedom of its distribution, Student's t; below 1 there is no interval.
        items: scored before and after; with `clusters` of them that are independent.
        paired: whether the items are the same; else it is from the two standard errors.
    """

    value: float
    statistic: Statistic
    degrees: int
    items: int
    clusters: int
    paired: bool = True

    def interval(self, tails: tuple[float, float] = (TAIL, TAIL)) -> tuple[float, float]:
        """The drops that are not refused by one-sided tests at these levels; nan without any."""
        if self.degrees < 1:
            return float("nan"), float("nan")
        low, high = (float(stdtrit(self.degrees, 1 - tail)) for tail in tails)
        return self.statistic.at(low), self.statistic.at(-high)

    def p_above(self, margin: float) -> float:
        """The p-value of "the drop is at most the margin"."""
        return self._tail(-self.statistic.above(margin))

    def p_below(self, margin: float) -> float:
        """The p-value of "the drop is at least the margin"."""
        return self._tail(self.statistic.above(margin))

    def _tail(self, distance: float) -> float:
        return 1.0 if self.degrees < 1 else float(stdtr(self.degrees, distance))


def paired_drop(
    before: np.ndarray,
    after: np.ndarray,
    cluster: Sequence,
    is_share: bool = False,
    tokens: np.ndarray | None = None,
) -> Drop:
    """The drop of a mean over the same items.

    Args:
        before, after: (items,) value of each item; higher is better.
        cluster: (items,) names; items of one cluster depend on each other.
        is_share: whether values are between 0 and 1 by their scale, and not by chance.
        tokens: (items,) by which each counts in a mean over tokens, a ratio of two sums, whose
            spread is that of its residuals; None: all count alike.
    """
    change = np.asarray(before, dtype=float) - np.asarray(after, dtype=float)
    value = float(np.average(change, weights=tokens))
    of_each = change if tokens is None else tokens * (change - value) / tokens.mean()
    variance, clusters = _spread(of_each, cluster)
    right_or_wrong = np.isin(before, (0.0, 1.0)).all() and np.isin(after, (0.0, 1.0)).all()
    if right_or_wrong and tokens is None:
        worth = _independent_items(float(change.var()), variance, len(change), clusters)
        lost, regained = float((change > 0).mean()), float((change < 0).mean())
        statistic: Statistic = _Score(lost, regained, len(change), worth)
    else:
        statistic = _Student(value, variance, coins(len(change), clusters) if is_share else 0.0)
    return Drop(value, statistic, clusters - 1, len(change), clusters)


def coins(items: int, clusters: int) -> float:
    """The variance that a coin toss for one answer before and one after adds to a mean change.

    Items of which none changed leave this much open.
    """
    return 2 / (4 * items * clusters)


def corpus_drop(
    scores: tuple[float, float],
    before: np.ndarray,
    after: np.ndarray,
    cluster: Sequence,
    is_share: bool = False,
) -> Drop:
    """The drop of a score of a whole corpus, with the spread of sentence-level values.

    scores: before and after. All else as in `paired_drop`.
    """
    change = np.asarray(before, dtype=float) - np.asarray(after, dtype=float)
    variance, clusters = _spread(change, cluster)
    value = scores[0] - scores[1]
    statistic = _Student(value, variance, coins(len(change), clusters) if is_share else 0.0)
    return Drop(value, statistic, clusters - 1, len(change), clusters)


def _spread(change: np.ndarray, cluster: Sequence) -> tuple[float, int]:
    """The variance of the mean (sandwich estimate, C/(C-1)), and the number C of clusters."""
    place = np.unique(np.asarray(cluster), return_inverse=True)[1]
    clusters = int(place.max()) + 1
    parts = np.bincount(place, change - change.mean(), clusters)
    return float(clusters / max(clusters - 1, 1) * (parts**2).sum() / len(change) ** 2), clusters


def unpaired_drop(
    before: float, after: float, errors: tuple[float, float], items: int, is_share: bool = False
) -> Drop:
    """The drop of a score of which only the two standard errors are known, as if independent.

    Answers to the same questions agree more often than that, so this interval is too wide.
    is_share: as in `paired_drop`. Two errors of 0 are of answers that are all alike.
    """
    variance = float(errors[0] ** 2 + errors[1] ** 2)
    statistic = _Student(before - after, variance, coins(items, items) if is_share else 0.0)
    return Drop(before - after, statistic, items - 1, items, items, False)


@dataclass(frozen=True)
class _Score:
    """Tango's statistic: shares lost and regained, number of items, and of independent ones."""

    lost: float
    regained: float
    number: float
    items: float

    def above(self, drop: float) -> float:
        # The likelihood's maximum under a drop is derived for one sign; the other is its mirror.
        side = -1 if drop < 0 else 1
        more, less = (self.lost, self.regained)[::side]
        size = abs(drop)
        b = (2 - more + less) * size - more - less
        share = (math.sqrt(b**2 + 8 * less * size * (1 - size)) - b) / 4
        changed = 2 * share + size
        variance = max(changed - size**2, SMALL**2)
        third = size - 3 * size * changed + 2 * size**3
        away = more - less - size
        away = math.copysign(max(abs(away) - 0.5 / self.number, 0.0), away)
        distance = away / math.sqrt(variance / self.items)
        return side * _unskewed(distance, third / math.sqrt(variance**3 * self.items))

    def at(self, distance: float) -> float:
        inside, outside = self.lost - self.regained, -math.copysign(1.0, distance)
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            beyond = abs(self.above(middle)) > abs(distance)
            inside, outside = (inside, middle) if beyond else (middle, outside)
        return inside

    def grown(self, times: float) -> "_Score":
        return replace(self, number=self.number * times, items=self.items * times)


@dataclass(frozen=True)
class _Student:
    """The distance in standard errors.

    variance: of the drop. coin: what is added to it for shares, whose drop lies within -1 and 1.
    """

    value: float
    variance: float
    coin: float = 0.0

    @property
    def error(self) -> float:
        return math.sqrt(self.variance + self.coin)

    def above(self, drop: float) -> float:
        return (self.value - drop) / max(self.error, SMALL)

    def at(self, distance: float) -> float:
        drop = self.value - distance * self.error
        return min(max(drop, -1.0), 1.0) if self.coin else drop

    def grown(self, times: float) -> "_Student":
        # A coin for one item among more: its variance falls with the square of their number.
        return replace(self, variance=self.variance / times, coin=self.coin / times**2)


def _unskewed(distance: float, skewness: float) -> float:
    """A distance of a skewed sum as that of a normal one (Wilson & Hilferty)."""
    if abs(skewness) < SMALL:
        return distance
    root = math.cbrt(max(1 + skewness * distance / 2, 0.0))
    return 6 / skewness * (root - 1) + skewness / 6


def _independent_items(of_one: float, of_mean: float, items: int, clusters: int) -> float:
    """How many independent items spread like the clusters.

    Where clusters hold several items, this number is mixed with that of the clusters, as in
    `intervals.share_interval`: if nothing changed, there are as many as clusters.
    """
    mixed = max((1 - clusters / items) * WEIGHT, SMALL) / items
    return (of_one + mixed) / (of_mean + mixed / clusters)
