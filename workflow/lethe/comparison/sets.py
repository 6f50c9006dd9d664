"""One evaluation set before and after: scores, paired difference, and what became of its items."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from lethe.comparison.abilities import known
from lethe.longtables.axes import BIAS
from lethe.metrics.corpus_level import CORPUS_LEVEL, NATS, SAME, SENTENCE_NOTE
from lethe.metrics.drops import Drop, corpus_drop, paired_drop, unpaired_drop
from lethe.metrics.general import place_of_base
from lethe.metrics.intervals import FEW_CLUSTERS
from lethe.metrics.item_changes import (
    COLLAPSED,
    Answers,
    commonest,
    item_values,
    right_or_wrong,
    transitions,
    why_not_identified,
)
from lethe.metrics.verdicts import Verdict

FLOOR, CEILING = "floor", "ceiling"
POINTS = "points"


@dataclass(frozen=True)
class Items:
    """The items of a set that both checkpoints answered; arrays (items,) before and after."""

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    values: tuple[np.ndarray, np.ndarray]

    @property
    def clusters(self) -> list[str]:
        return [item["cluster_id"] for item in self.before]

    @cached_property
    def choices(self) -> np.ndarray | None:
        """(items,) number of choices; None unless every item has some."""
        counts = [len(item.get("choice_logprobs") or ()) for item in self.before]
        return np.array(counts) if counts and min(counts) > 1 else None

    def answers(self, place: int) -> Answers:
        """The answers before (0) or after (1)."""
        items = (self.before, self.after)[place]
        margin, gold = (
            np.array([np.nan if item.get(name) is None else item[name] for item in items], float)
            for name in ("margin", "gold_logprob")
        )
        return Answers(self.values[place], margin, gold)


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

    @property
    def scale(self) -> float:
        """From the score to what is printed."""
        return 100.0 if self.unit == POINTS else 1.0

    @property
    def change(self) -> float:
        """Score after less score before, as printed."""
        return self.scale * (self.scores[1] - self.scores[0])

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
        """Items kept, lost, regained and never right; None unless all are right or wrong."""
        if (
            self.items is None
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
    """A set's change and its verdict; without one, `why` says why."""

    change: SetChange
    verdict: Verdict | None
    why: str = ""


def set_change(name: str, metric: str, results: tuple[dict, dict], ability: str) -> SetChange:
    """The change of a set's metric; `results` before and after, as `evaluate` gives them."""
    rows = [_row(result, metric) for result in results]
    items, notes = _items(results, metric)
    scores = (rows[0]["value"], rows[1]["value"])
    numbers = (rows[0]["n"], rows[1]["n"])
    if items is not None and len(items.before) < max(numbers) and _is_mean(items, results, metric):
        scores = (float(items.values[0].mean()), float(items.values[1].mean()))
        notes.append(f"items differ, {numbers[0]} and {numbers[1]}: {len(items.before)} in both")
    elif numbers[0] != numbers[1]:
        notes.append(f"items differ, {numbers[0]} and {numbers[1]}")
    better = _better(metric, rows, ability)
    is_mean = _is_mean(items, results, metric)
    if items is not None and not is_mean and metric.partition(",")[0] in CORPUS_LEVEL:
        drop, more = corpus_drop(scores, *items.values, items.clusters), [SENTENCE_NOTE]
    else:
        drop, more = _drop(scores, rows, items if is_mean else None, better)
    is_share = better is not False and metric not in NATS and all(0 <= s <= 1 for s in scores)
    if is_share and items is not None:
        is_share = all(((0 <= v) & (v <= 1)).all() for v in items.values)
    chance = _chance(name, metric, items, results[0])
    place = "" if chance is None or not is_share else _place(scores[0], chance, rows[0])
    if drop is not None and drop.paired and drop.clusters < FEW_CLUSTERS:
        more.append(f"{drop.clusters} clusters of items: its interval is rough")
    return SetChange(
        name, ability, metric, scores, numbers, POINTS if is_share else metric, better, drop, items,
        chance, place, [*notes, *more],
    )  # fmt: skip


def _row(result: dict, metric: str) -> dict:
    return next(r for r in result["scores"] if r["metric"] == metric and not r["subset"])


def _items(results: tuple[dict, dict], metric: str) -> tuple[Items | None, list[str]]:
    """The items that both have with a value of the metric, in the order of their ids."""
    found = [
        {i["item_id"]: i for i in result["items"] if _value(i, metric) is not None}
        for result in results
    ]
    both = sorted(found[0].keys() & found[1].keys())
    if not both:
        if all(found):
            return None, ["no item is in both: the questions are other ones"]
        return None, []
    sides = [[side[name] for name in both] for side in found]
    values = [np.array([_value(item, metric) for item in side], dtype=float) for side in sides]
    return Items(sides[0], sides[1], (values[0], values[1])), []


def _value(item: dict, metric: str) -> float | None:
    return item.get(metric) if metric in NATS else (item.get("metrics") or {}).get(metric)


def _is_mean(items: Items | None, results: tuple[dict, dict], metric: str) -> bool:
    """Whether the scores are the means of all items' values; corpus-level ones are not."""
    if items is None:
        return False
    for result in results:
        values = [_value(item, metric) for item in result["items"]]
        if None in values or abs(np.mean(values) - _row(result, metric)["value"]) > SAME:
            return False
    return True


def _better(metric: str, rows: list[dict], ability: str) -> bool | None:
    if ability == BIAS:
        return None
    return not any(row.get("higher_is_better") is False for row in rows)


def _drop(
    scores: tuple[float, float],
    rows: list[dict],
    items: Items | None,
    better: bool | None,
) -> tuple[Drop | None, list[str]]:
    """The drop and what is to be said of it; `items` whose mean the scores are."""
    first, second = (1, 0) if better is False else (0, 1)
    if items is not None:
        return paired_drop(items.values[first], items.values[second], items.clusters), []
    errors = [row.get("stderr") for row in rows]
    if None in errors or min(row["n"] for row in rows) < 2:
        return None, ["neither items nor standard errors give an interval"]
    items_behind = min(row["n"] for row in rows)
    drop = unpaired_drop(scores[first], scores[second], (errors[0], errors[1]), items_behind)
    return drop, ["interval from the two standard errors, not paired: too wide"]


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
