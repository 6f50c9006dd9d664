"""Was an evaluation set lost or kept? Drops of several sets, tested at a margin together.

A set is *lost* if its drop is above the margin, *kept* if it is below it. Either is one-sided at
2.5 %, so that of a single set the 95 % interval lies on one side of the margin. Of several sets
Holm's step-down procedure (1979, Scandinavian Journal of Statistics 6, 65) runs through the tests
for *lost*, and apart from it through those for *kept*. Each holds its 2.5 % however the sets depend
on each other, so all verdicts of a comparison are right together with at least 95 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from lethe.metrics.comparisons import holm
from lethe.metrics.drops import SMALL, TAIL, Drop

LOST, KEPT, UNDECIDED = "lost", "kept", "undecided"
HALVINGS = 40
MOST_TIMES = 1e9


@dataclass(frozen=True)
class Question:
    """One set of a comparison: its drop, the margin in the same unit, and what can be said of it.

    can_be_kept: false at floor, where nothing can be lost and so nothing be kept.
    """

    drop: Drop
    margin: float
    can_be_kept: bool = True


@dataclass(frozen=True)
class Verdict:
    """What is said of a set.

    Attributes:
        word: LOST, KEPT or UNDECIDED.
        low, high: ends of the interval that decided, wider than 95 % where Holm asks for it.
        p_lost, p_kept: adjusted by Holm; TAIL or below gives the verdict.
        alone: whether the set would have a verdict if it were the only one.
        needed: number of items that would decide; None for a verdict, or if no number would.
    """

    word: str
    low: float
    high: float
    p_lost: float
    p_kept: float
    alone: bool
    needed: int | None


def judge(questions: Sequence[Question]) -> list[Verdict]:
    """The verdicts on the sets of one comparison, together."""
    if not questions:
        return []
    lost = np.array([q.drop.p_above(q.margin) for q in questions])
    kept = np.array([q.drop.p_below(q.margin) if q.can_be_kept else 1.0 for q in questions])
    tails = [(float(a), float(b)) for a, b in zip(_levels(lost), _levels(kept), strict=True)]
    adjusted = zip(holm(list(lost)), holm(list(kept)), strict=True)
    alone = np.minimum(lost, kept) <= TAIL
    return [_verdict(*each) for each in zip(questions, tails, adjusted, alone, strict=True)]


def _verdict(question: Question, tails: tuple, adjusted: tuple, alone: np.bool_) -> Verdict:
    p_lost, p_kept = map(float, adjusted)
    word = LOST if p_lost <= TAIL else KEPT if p_kept <= TAIL else UNDECIDED
    low, high = question.drop.interval(tails)
    needed = items_needed(question, tails) if word == UNDECIDED else None
    return Verdict(word, low, high, p_lost, p_kept, bool(alone), needed)


def items_needed(question: Question, tails: tuple[float, float]) -> int | None:
    """Items that would decide if the same shares of them changed; None if no number would.

    The statistic t at the margin grows with the root of the number n of items, so it is about
    n (t* / t)^2, with t* the value that it must reach. With so many items the verdict is as likely
    as not.
    """
    drop, margin = question.drop, question.margin
    above = drop.value - margin
    if drop.degrees < 1 or abs(above) < SMALL or (above < 0 and not question.can_be_kept):
        return None
    asked = float(stdtrit(drop.degrees, 1 - tails[0 if above > 0 else 1]))

    def decides(times: float) -> bool:
        return drop.statistic.grown(times).above(margin) * np.sign(above) >= asked

    low, high = 1.0, 2.0
    while not decides(high) and high < MOST_TIMES:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return int(np.ceil(drop.items * high))


def _levels(p_values: np.ndarray) -> np.ndarray:
    """The level at which each test of Holm's procedure is made: that of its own step.

    After the first test that refuses nothing, all others are held to the level of that step.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    refused = int((holm(list(p_values)) <= TAIL).sum())
    steps = np.empty(count, dtype=int)
    steps[order] = np.minimum(np.arange(count), refused)
    return TAIL / (count - steps)
