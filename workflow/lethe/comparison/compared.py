"""One checkpoint against the one before: all sets judged together, abilities, and warnings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lethe.comparison.sets import FLOOR, POINTS, Judged, SetChange
from lethe.longtables.axes import sorted_axes
from lethe.metrics.drawn_clusters import NAME, DrawnClusters, plain_names
from lethe.metrics.drops import coins
from lethe.metrics.intervals import RESAMPLES, cluster_weights, item_generator, resampled_means
from lethe.metrics.set_means import OfSet, Resampled, interval_over_sets
from lethe.metrics.verdicts import KEPT, LOST, UNDECIDED, Question, judge

NO_DIRECTION = "no verdict: neither direction is better"
NO_ERROR = "no verdict without an interval"
NO_MARGIN = "no verdict: no share, so a margin in points means nothing; give --margin-of {}=VALUE"


@dataclass(frozen=True)
class Ability:
    """The mean over the sets of an ability that are in points, before and after.

    low, high: 95 % interval of the change.
    """

    name: str
    sets: int
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True)
class Compared:
    """One AFTER against BEFORE.

    missing: sets that only one of the two has, with the one that has them.
    """

    label: str
    judged: list[Judged]
    missing: list[str]

    @property
    def verdict(self) -> str:
        """*lost* if any set is, *kept* if all with a verdict are, else *undecided*."""
        words = [each.verdict.word for each in self.judged if each.verdict]
        if LOST in words:
            return LOST
        return KEPT if words and set(words) == {KEPT} else UNDECIDED

    def number(self, word: str) -> int:
        """How many sets have this verdict."""
        return sum(each.verdict is not None and each.verdict.word == word for each in self.judged)

    def by_ability(self) -> list[tuple[Ability | None, list[Judged]]]:
        """The sets by ability, in the order of tables; the mean is None unless two can have one."""
        names = sorted_axes({each.change.ability for each in self.judged})
        return [
            (self._mean(name), [e for e in self.judged if e.change.ability == name])
            for name in names
        ]

    def _mean(self, name: str) -> Ability | None:
        changes = [each.change for each in self.judged if each.change.ability == name]
        return ability(name, [c for c in changes if c.unit == POINTS and c.better])


def ability(name: str, changes: Sequence[SetChange]) -> Ability | None:
    """The mean over sets in points; None for less than one."""
    if not changes:
        return None
    before, after = (100 * float(np.mean([c.scores[i] for c in changes])) for i in (0, 1))
    drawn = _drawn_together(changes)
    parts = [
        OfSet(change.change, *change.interval, drawn.get(place))
        for place, change in enumerate(changes)
    ]
    low, high = np.clip(interval_over_sets(parts, is_share=False), -100.0, 100.0)
    return Ability(name, len(changes), before, after, float(low), float(high))


def _drawn_together(changes: Sequence[SetChange]) -> dict[int, Resampled]:
    """By place the changes of sets that share clusters of items with others, resampled."""
    known = {
        place: change.items
        for place, change in enumerate(changes)
        if change.items is not None and change.drop is not None and change.drop.paired
    }
    times = Counter(name for items in known.values() for name in set(items.full_clusters))
    shared = {name for name, number in times.items() if number > 1}
    sharing = {p: items for p, items in known.items() if not shared.isdisjoint(items.full_clusters)}
    if not sharing:
        return {}
    names = tuple(sorted({name for items in sharing.values() for name in items.full_clusters}))
    generator = item_generator(0, NAME, plain_names(names))
    weights = cluster_weights(len(names), RESAMPLES, generator)
    places = {name: number for number, name in enumerate(names)}
    found = {}
    for place, items in sharing.items():
        cluster = np.array([places[name] for name in items.full_clusters])
        present = np.bincount(cluster, minlength=len(names)) > 0
        scale = changes[place].scale
        moves = scale * (items.values[1] - items.values[0])
        counts = None if items.tokens is None else items.tokens[:, None]
        replicates = resampled_means(moves[:, None], cluster, weights, counts)[:, 0]
        coin = scale**2 * coins(len(moves), int(present.sum()))
        found[place] = Resampled(replicates, DrawnClusters(names, present), len(moves), coin)
    return found


def compare(
    label: str,
    changes: Sequence[SetChange],
    missing: list[str],
    margin: float,
    margins: dict[str, float],
) -> Compared:
    """Judge the sets of one AFTER together.

    Args:
        margin: points that may be lost, for shares.
        margins: the same for metrics by name, in their own unit (points for shares).
    """
    asked: dict[int, Question] = {}
    why: dict[int, str] = {}
    used: dict[int, float] = {}
    for place, change in enumerate(changes):
        most = margins.get(change.metric, margin if change.unit == POINTS else None)
        if change.no_verdict:
            why[place] = change.no_verdict
        elif change.better is None:
            why[place] = NO_DIRECTION
        elif change.drop is None or change.drop.degrees < 1:
            why[place] = NO_ERROR
        elif most is None:
            why[place] = NO_MARGIN.format(change.metric)
        else:
            used[place] = most
            asked[place] = Question(change.drop, most / change.scale, change.place != FLOOR)
    verdicts = dict(zip(asked, judge(list(asked.values())), strict=True))
    judged = [
        Judged(change, verdicts.get(place), why.get(place, ""), used.get(place))
        for place, change in enumerate(changes)
    ]
    return Compared(label, judged, missing)
