"""One evaluation set before and after: scores, paired difference, and what became of its items."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from lethe.comparison.abilities import known
from lethe.comparison.both import Items, contradiction, items_of_both, row_of, why_no_means
from lethe.longtables.axes import BIAS
from lethe.metrics.corpus_level import CORPUS_LEVEL, NATS, SENTENCE_NOTE
from lethe.metrics.drops import Drop, corpus_drop, paired_drop, unpaired_drop
from lethe.metrics.general import place_of_base
from lethe.metrics.intervals import FEW_CLUSTERS
from lethe.metrics.item_changes import (
    COLLAPSED,
    commonest,
    item_values,
    right_or_wrong,
    transitions,
    why_not_identified,
)
from lethe.metrics.verdicts import Verdict

FLOOR, CEILING = "floor", "ceiling"
POINTS = "points"
UNPAIRED = "interval from the two standard errors, not paired"


@dataclass(frozen=True)
class SetChange:
    """What one set's score was before and after.

    Attributes:
        scores, numbers: before and after, in the metric's own unit; of all items of each side.
        unit: POINTS (hundredths) for shares, else the metric's name.
        better: whether a higher score is better; None where neither is, as of bias.
        drop: in the direction of worse; None without any error.
        chance: score of a guess; None if it is not known.
        place: FLOOR or CEILING of the base, or empty.
        notes: what a reader must know of the numbers.
        no_verdict: why there can be none, as its own samples contradict the score; else empty.
    """

    name: str
    ability: str
    metric: str
    scores: tuple[float, float]
    numbers: tuple[int, int]
    unit: str
    better: bool | None
    drop: Drop | None
    items: Items | None
    chance: float | None
    place: str
    notes: list[str] = field(default_factory=list)
    no_verdict: str = ""

    @property
    def scale(self) -> float:
        """From the score to what is printed."""
        return 100.0 if self.unit == POINTS else 1.0

    @property
    def decimals(self) -> int:
        """With which it is printed: a change of a score that is no share may be small."""
        largest = max(map(abs, self.scores))
        return 1 if self.unit == POINTS or largest >= 100 else 2 if largest >= 10 else 3

    @property
    def change(self) -> float:
        """Score after less score before, as printed."""
        return self.scale * (self.scores[1] - self.scores[0])

    @property
    def is_none(self) -> bool:
        """Whether the score is what it was, and all that is known of the items' answers."""
        return self.change == 0 and (self.items is None or self.items.before == self.items.after)

    def as_change(self, low: float, high: float) -> tuple[float, float]:
        """The ends of an interval of the drop, as those of the change, as printed."""
        if self.better is False:
            return self.scale * low, self.scale * high
        return -self.scale * high, -self.scale * low

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the change, as printed; nan without one."""
        if self.drop is None:
            return float("nan"), float("nan")
        return self.as_change(*self.drop.interval())

    @cached_property
    def counts(self) -> dict[str, int] | None:
        """Items kept, lost, regained and never right; None unless all are right or wrong.

        A text is neither: that none or all of its tokens are right is no answer.
        """
        if (
            self.items is None
            or self.items.tokens is not None
            or self.better is None
            or not all(map(right_or_wrong, self.items.values))
        ):
            return None
        parts = transitions(*self.items.values)
        return {name: int(part.sum()) for name, part in parts.items()}

    @property
    def changed_items(self) -> dict[str, list[str]] | None:
        """Ids of the items that were lost and regained; None as of `counts`."""
        if self.items is None or self.counts is None:
            return None
        parts = transitions(*self.items.values)
        ids = np.array([item["item_id"] for item in self.items.before])
        return {name: ids[parts[name] == 1].tolist() for name in ("lost", "regained")}

    @cached_property
    def commonest(self) -> tuple[tuple[str, float], tuple[str, float]] | None:
        """The commonest answer and its share, before and after; None where none was read."""
        if self.items is None or self.better is None:
            return None
        texts = [[i["predicted"] for i in side] for side in (self.items.before, self.items.after)]
        return None if not any(texts[0]) else (commonest(texts[0]), commonest(texts[1]))

    @property
    def collapsed(self) -> bool:
        """Whether nearly all items got one answer after."""
        return self.commonest is not None and self.commonest[1][1] >= COLLAPSED

    @cached_property
    def known_lost(self) -> dict[str, Any] | None:
        """Shares of items that were known and are not, and the reverse: bounds for r = 0 and 1.

        `why_not` says why they are not identified. None unless answers are right or wrong.
        """
        if self.counts is None or self.items is None:
            return None
        shares = [share for _, share in self.commonest or ()] or [0.0, 0.0]
        choices, values = self.items.choices, self.items.values
        why_not = why_not_identified(*values, choices, (shares[0], shares[1]))
        if why_not:
            return {"why_not": why_not}
        means = {
            name: float(array.mean())
            for name, array in item_values(
                self.items.answers(0), self.items.answers(1), choices
            ).items()
            if name.startswith(("lost_", "regained_", "knew"))
        }
        return {
            "known_before": means["knew"],
            "lost": [means["lost_r0"], means["lost_r1"]],
            "regained": [means["regained_r0"], means["regained_r1"]],
        }


@dataclass(frozen=True)
class Judged:
    """A set's change and its verdict; without one, `why` says why.

    margin: by which it was judged, as printed; None without a verdict.
    """

    change: SetChange
    verdict: Verdict | None
    why: str = ""
    margin: float | None = None


def set_change(name: str, metric: str, results: tuple[dict, dict], ability: str) -> SetChange:
    """The change of a set's metric; `results` before and after, as `evaluate` gives them."""
    rows = [row_of(result, metric) for result in results]
    items, notes = items_of_both(results, metric)
    scores = (rows[0]["value"], rows[1]["value"])
    numbers = (rows[0]["n"], rows[1]["n"])
    why = why_no_means(items, results, metric)
    if items is not None and len(items.before) < max(numbers) and not why:
        scores = items.means
        notes.append(f"items differ, {numbers[0]} and {numbers[1]}: {len(items.before)} in both")
    elif numbers[0] != numbers[1]:
        notes.append(f"items differ, {numbers[0]} and {numbers[1]}")
    better = _better(metric, rows, ability)
    is_share = better is not False and _is_share(metric, scores, items)
    if items is not None and why and metric.partition(",")[0] in CORPUS_LEVEL:
        drop, more = corpus_drop(scores, *items.values, items.clusters, is_share), [SENTENCE_NOTE]
    else:
        drop, more = _drop(scores, rows, items, better, why, is_share)
    chance = _chance(name, metric, items, results[0])
    # Of generated answers none is right by guessing, and of a base at 0 none can be lost.
    place = _place(scores[0], chance or 0.0, rows[0]) if is_share and better else ""
    if drop is not None and drop.paired and drop.clusters < FEW_CLUSTERS:
        few = f"{drop.clusters} clusters of items: its interval is rough"
        more.append(few if drop.degrees > 0 else "one item, or one cluster: there is no interval")
    return SetChange(
        name, ability, metric, scores, numbers, POINTS if is_share else metric, better, drop, items,
        chance, place, [*notes, *more], contradiction(results, metric),
    )  # fmt: skip


def _better(metric: str, rows: list[dict], ability: str) -> bool | None:
    if ability == BIAS:
        return None
    return not any(row.get("higher_is_better") is False for row in rows)


def _drop(
    scores: tuple[float, float],
    rows: list[dict],
    items: Items | None,
    better: bool | None,
    why: str,
    is_share: bool,
) -> tuple[Drop | None, list[str]]:
    """The drop and what is to be said of it; `why` the scores are not the means of `items`."""
    first, second = (1, 0) if better is False else (0, 1)
    if items is not None and not why:
        pair = items.values[first], items.values[second]
        return paired_drop(*pair, items.clusters, is_share, items.tokens), []
    errors = [row.get("stderr") for row in rows]
    if None in errors or min(row["n"] for row in rows) < 2:
        return None, [f"neither items ({why}) nor standard errors give an interval"]
    items_behind = min(row["n"] for row in rows)
    pair = scores[first], scores[second]
    drop = unpaired_drop(*pair, (errors[0], errors[1]), items_behind, is_share)
    return drop, [f"{UNPAIRED} ({why}): too wide, but for clusters of items, which it leaves out"]


def _is_share(metric: str, scores: tuple[float, float], items: Items | None) -> bool:
    """Whether scores lie in 0 to 1 by their scale, not because a BLEU in percent is that low."""
    if metric in NATS or not all(0 <= score <= 1 for score in scores):
        return False
    if items is None:
        return metric.partition(",")[0] not in CORPUS_LEVEL
    return all(((0 <= values) & (values <= 1)).all() for values in items.values)


def _chance(name: str, metric: str, items: Items | None, result: dict) -> float | None:
    """That of the catalogue, or of the number of choices where a choice is right or wrong."""
    about = known(name)
    if about.chance is not None and metric == about.metric:
        return about.chance
    if result.get("chance") is not None and about.metric in (None, metric):
        return result["chance"]
    if items is None or items.choices is None or not metric.startswith("acc"):
        return None
    return float((1 / items.choices).mean())


def _place(score: float, chance: float, row: dict) -> str:
    return place_of_base(score, chance, row["stderr"] or 0.0)
