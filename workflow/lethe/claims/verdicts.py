"""From effects by unit to a verdict: interval, Holm's correction within a family, the margin.

The interval is Student's t over units, 95 %, unadjusted. *supported* and *contradicted* also need
the two-sided p of the effect against the smallest effect that matters, adjusted by Holm over the
family, to be at most 0.05. *negligible* (the whole interval is within the margin) needs no
correction, because a 95 % interval is already stricter than two one-sided tests at 5 %.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lethe.claims.cells import Cell, Question
from lethe.metrics.comparisons import holm, t_test
from lethe.metrics.intervals import t_interval

SUPPORTED, CONTRADICTED = "supported", "contradicted"
NEGLIGIBLE, UNDECIDED = "negligible", "undecided"
NOT_MEASURED, NOT_TESTABLE, NO_VERDICT = "not measured", "not testable", "no verdict"
CONSISTENT, INCONSISTENT = "consistent", "inconsistent"
FEWEST_UNITS = 3
ALPHA = 0.05
# Weakest first: the first of these that any part has decides for the whole.
WEAKEST_FIRST = [
    CONTRADICTED, INCONSISTENT, NEGLIGIBLE, UNDECIDED, NOT_TESTABLE, NOT_MEASURED, CONSISTENT,
    SUPPORTED, NO_VERDICT,
]  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A cell with its verdict; effect, low and high in the metric's unit, nan where unknown."""

    asked: Question
    cell: Cell
    verdict: str
    effect: float
    low: float
    high: float
    n: int
    p_holm: float


def judge(cells: Sequence[tuple[Question, Cell]]) -> list[Judged]:
    """A verdict on every cell; cells of one family of questions are corrected together.

    A cell at floor or ceiling is *not testable* and does not count in the correction.
    """
    adjusted = _adjusted(cells)
    judged = []
    for place, (asked, cell) in enumerate(cells):
        effects = list(cell.effects.values())
        effect = float(np.mean(effects)) if effects else float("nan")
        low, high = t_interval(effects) if effects else (float("nan"), float("nan"))
        p = adjusted.get(place, float("nan"))
        verdict = NOT_TESTABLE if cell.bound else verdict_of(asked, effects, p)
        judged.append(Judged(asked, cell, verdict, effect, low, high, len(effects), p))
    return judged


def verdict_of(asked: Question, effects: Sequence[float], p_holm: float) -> str:
    """The protocol's verdict on one comparison.

    p_holm: adjusted p against the margin (`against_margin`); not read with fewer than three units.
    """
    if not len(effects):
        return NOT_MEASURED
    if not asked.is_tested:
        return NO_VERDICT
    signed = asked.sign * np.asarray(effects, dtype=float)
    margin = asked.smallest_effect
    if len(signed) < FEWEST_UNITS:
        word = CONSISTENT if signed.mean() > margin else INCONSISTENT
        return f"{word}, {('one seed', 'two seeds')[len(signed) - 1]}"
    low, high = t_interval(signed)
    if low > margin and p_holm <= ALPHA:
        return SUPPORTED
    if high < -margin and p_holm <= ALPHA:
        return CONTRADICTED
    if -margin <= low and high <= margin:
        return NEGLIGIBLE
    return UNDECIDED


def against_margin(asked: Question, effects: Sequence[float]) -> float:
    """Two-sided p of the effect against the smallest one that matters, on the effect's side."""
    signed = asked.sign * np.asarray(effects, dtype=float)
    margin = asked.smallest_effect if signed.mean() > 0 else -asked.smallest_effect
    return t_test(signed - margin)


def weakest(verdicts: Iterable[str]) -> str:
    """The verdict on a whole whose parts must all hold."""
    listed = list(verdicts)
    ranked = sorted(listed, key=lambda verdict: WEAKEST_FIRST.index(verdict.partition(",")[0]))
    return ranked[0] if ranked else NOT_MEASURED


def counted(verdicts: Sequence[str]) -> str:
    """How many parts have each verdict: `2 supported; 1 undecided`; strongest first."""
    kinds = sorted(
        set(verdicts), key=lambda verdict: -WEAKEST_FIRST.index(verdict.partition(",")[0])
    )
    return "; ".join(f"{list(verdicts).count(kind)} {kind}" for kind in kinds)


def _adjusted(cells: Sequence[tuple[Question, Cell]]) -> dict[int, float]:
    """Holm-adjusted p by place, of the testable cells with three units or more."""
    families: dict[str, list[int]] = {}
    for place, (asked, cell) in enumerate(cells):
        if asked.is_tested and not cell.bound and len(cell.effects) >= FEWEST_UNITS:
            families.setdefault(asked.family, []).append(place)
    adjusted = {}
    for places in families.values():
        raw = [
            against_margin(cells[place][0], list(cells[place][1].effects.values()))
            for place in places
        ]
        adjusted |= dict(zip(places, holm(raw), strict=True))
    return adjusted
