"""From effects by unit to a verdict: interval, margin, and Holm's correction where one is due.

The interval is Student's t over units, 95 %, unadjusted. All comparisons of a claim must hold for
it to be *supported*, so each is tested at its own 5 % and no correction is due: the claim is
supported wrongly only if the false one among them is, whatever their number (intersection-union
test; Berger 1982, Technometrics 24, 295). One comparison on the other side is enough for
*contradicted*, so there the p-values are adjusted by Holm (1979, Scandinavian Journal of Statistics
6, 65) over all comparisons of the family. If a family has several claims, the largest p of each,
which is its own, is adjusted over them. *negligible* (the whole interval is within the margin)
needs no correction, because a 95 % interval is already stricter than two one-sided tests at 5 %.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lethe.claims.cells import Cell, Question
from lethe.metrics.comparisons import holm, one_sided_t_test
from lethe.metrics.intervals import t_interval
from lethe.metrics.power import LEVEL, smallest_shown, spread_of

SUPPORTED, CONTRADICTED = "supported", "contradicted"
NEGLIGIBLE, UNDECIDED = "negligible", "undecided"
NOT_MEASURED, NOT_TESTABLE = "not measured", "not testable here"
NO_VERDICT = "no verdict"
CONSISTENT, INCONSISTENT = "consistent", "inconsistent"
FEWEST_UNITS = 3
# Weakest first: the first of these that any part has decides for the whole.
WEAKEST_FIRST = [
    CONTRADICTED, INCONSISTENT, NEGLIGIBLE, UNDECIDED, NOT_TESTABLE, NOT_MEASURED, CONSISTENT,
    SUPPORTED, NO_VERDICT,
]  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A cell with its verdict; numbers in the metric's unit, nan where unknown.

    p_for, p_against: two-sided p of an effect beyond the margin on the claimed side, and on the
    other one; 1 if the effect is not beyond it. p_holm: p_against, adjusted over the family.
    shown, shown_against: the effects nearest to zero that so many units would have shown on the
    two sides, with a power of 80 %; against the claim at the level of Holm's first step.
    """

    asked: Question
    cell: Cell
    verdict: str
    effect: float
    low: float
    high: float
    n: int
    p_for: float = float("nan")
    p_against: float = float("nan")
    p_holm: float = float("nan")
    shown: float = float("nan")
    shown_against: float = float("nan")


def judge(cells: Sequence[tuple[Question, Cell]]) -> list[Judged]:
    """A verdict on every cell; what contradicts is corrected within a family of questions.

    A cell at floor or ceiling is *not testable here* and does not count in the correction.
    """
    families = _families(cells)
    adjusted: dict[int, float] = {}
    for places in families.values():
        raw = [beyond(*_signed(*cells[place]))[1] for place in places]
        adjusted |= dict(zip(places, holm(raw), strict=True))
    sizes = {place: len(places) for places in families.values() for place in places}
    return [
        _judged(asked, cell, adjusted.get(place, float("nan")), sizes.get(place, 0))
        for place, (asked, cell) in enumerate(cells)
    ]


def _judged(asked: Question, cell: Cell, p_holm: float, together: int) -> Judged:
    effects = list(cell.effects.values())
    effect = float(np.mean(effects)) if effects else float("nan")
    low, high = t_interval(effects) if effects else (float("nan"), float("nan"))
    verdict = NOT_TESTABLE if cell.bound else verdict_of(asked, effects, p_holm)
    if not together:
        return Judged(asked, cell, verdict, effect, low, high, len(effects))
    p_for, p_against = beyond(*_signed(asked, cell))
    return Judged(
        asked, cell, verdict, effect, low, high, len(effects), p_for, p_against, p_holm,
        shown=asked.sign * _shown(asked, effects, LEVEL),
        shown_against=-asked.sign * _shown(asked, effects, LEVEL / together),
    )  # fmt: skip


def verdict_of(asked: Question, effects: Sequence[float], p_holm: float) -> str:
    """The protocol's verdict on one comparison.

    p_holm: adjusted p of an effect beyond the margin on the other side; not read with fewer than
    three units.
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
    if low > margin:
        return SUPPORTED
    if high < -margin and p_holm <= LEVEL:
        return CONTRADICTED
    if -margin <= low and high <= margin:
        return NEGLIGIBLE
    return UNDECIDED


def beyond(signed: np.ndarray, margin: float) -> tuple[float, float]:
    """Two-sided p of an effect above the margin, and of one below its negative; at most 1.

    signed: (n,) effects by unit, positive on the claimed side; n >= 2.
    """
    above, below = one_sided_t_test(signed - margin), one_sided_t_test(-signed - margin)
    return min(1.0, 2 * above), min(1.0, 2 * below)


def claim_verdicts(judged: Sequence[Judged]) -> dict[str, str]:
    """The verdict on every claim, by name: the weakest under it, for all must hold.

    Of several claims in one family, *supported* also needs the largest p of the claim to be at most
    0.05 after Holm's correction over these claims; else the claim is undecided.
    """
    of_claim: dict[str, list[Judged]] = {}
    for one in judged:
        of_claim.setdefault(one.asked.claim, []).append(one)
    verdicts = {name: weakest(one.verdict for one in own) for name, own in of_claim.items()}
    families: dict[str, list[str]] = {}
    for name, own in of_claim.items():
        if any(not np.isnan(one.p_for) for one in own):
            families.setdefault(own[0].asked.family, []).append(name)
    for names in families.values():
        largest = [np.nanmax([one.p_for for one in of_claim[name]]) for name in names]
        for name, p in zip(names, holm(largest), strict=True):
            if verdicts[name] == SUPPORTED and p > LEVEL:
                verdicts[name] = UNDECIDED
    return verdicts


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


def _signed(asked: Question, cell: Cell) -> tuple[np.ndarray, float]:
    signed = asked.sign * np.array(list(cell.effects.values()), dtype=float)
    return signed, asked.smallest_effect


def _shown(asked: Question, effects: Sequence[float], level: float) -> float:
    return smallest_shown(spread_of(effects), len(effects), asked.smallest_effect, level)


def _families(cells: Sequence[tuple[Question, Cell]]) -> dict[str, list[int]]:
    """By family, the places of the testable cells with three units or more."""
    families: dict[str, list[int]] = {}
    for place, (asked, cell) in enumerate(cells):
        if asked.is_tested and not cell.bound and len(cell.effects) >= FEWEST_UNITS:
            families.setdefault(asked.family, []).append(place)
    return families
