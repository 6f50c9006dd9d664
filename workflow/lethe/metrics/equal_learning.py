"""Equal learning: what was learned and kept as shares, and what is kept at one level of learning.

learned = mean over tasks of (own score right after its stage - base) / (alone - base), where alone
is the task's score by plain training from the base at four times the steps; 1 is all that could be
learned, and it may be passed. kept = mean over sets of (after the last stage - chance) / (base -
chance). A method that learns less mostly forgets less, so methods are compared at one level of
learning, L*: on the line through the two neighbouring rates that bracket it, in each world. Nothing
is extrapolated. Definitions are ours; see "Equal learning" in the manual.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lethe.errors import UserError
from lethe.metrics.comparisons import PairedDifference, paired_difference
from lethe.metrics.power import FEWEST, smallest_shown, spread_of

BELOW, ABOVE = "does not reach L*", "learns more than L* at every rate"
LEAST_LEARNED = 0.9
"""A method learns if at some rate it reaches this share of plain training's best *learned*."""
LEAST_GAIN = 0.05
"""What must have been learned of earlier domains, so that a share of it means something."""
Unit = Hashable
"""What is paired: a world, or what stands for one."""


def learned(
    own: Sequence[float], base: Sequence[float], alone: Sequence[float], names: Sequence[str]
) -> float:
    """Mean over tasks of (own - base) / (alone - base).

    Args:
        own: (T,) score of each task right after its own stage.
        base: (T,) score of the base.
        alone: (T,) score of the task taught alone.
        names: of the tasks, for what is said of them.

    Raises:
        UserError: a score is missing, or a task alone rises no higher than the base, so that there
            is nothing that a chain could be measured against.
    """
    kinds = {"own": own, "base": base, "alone": alone}
    after, before, best = (_whole(kind, kinds[kind], names) for kind in kinds)
    for name, low, high in zip(names, before, best, strict=True):
        if high <= low:
            raise UserError(
                f"equal learning: {name} is not learned alone ({high:.3g}, the base {low:.3g}), "
                "so nothing tells how much of it a chain learned; train it for longer with "
                "another `references.recipe`"
            )
    return float(np.mean((after - before) / (best - before)))


def kept(
    last: Sequence[float], base: Sequence[float], chance: Sequence[float], names: Sequence[str]
) -> np.ndarray:
    """(E,) share of each set's score above chance that is left: (last - chance) / (base - chance).

    Below 0 where a set ends below chance, above 1 where it gains.

    Raises:
        UserError: a score or a chance level is missing, or the base is not above chance.
    """
    kinds = {"last": last, "base": base, "chance": chance}
    after, before, guess = (_whole(kind, kinds[kind], names) for kind in kinds)
    for name, high, low in zip(names, before, guess, strict=True):
        if high <= low:
            raise UserError(
                f"equal learning: the base is not above chance in {name} ({high:.3g} against "
                f"{low:.3g}), so it has nothing to keep; leave the set out"
            )
    return (after - guess) / (before - guess)


def kept_of_earlier(
    own: Sequence[float], last: Sequence[float], base: Sequence[float], names: Sequence[str]
) -> float:
    """Share of what was learned of earlier domains that is left: sum (last - base) / (own - base).

    Sums over domains stand above and below, so that one of which little was learned weighs little.

    Args:
        own, last, base: (T - 1,) scores right after the domain's stage, after the last stage, and
            of the base.

    Raises:
        UserError: a score is missing, or less than LEAST_GAIN was learned, a mean over domains, so
            that there is nothing to keep; or no domain is an earlier one.
    """
    if not names:
        raise UserError("equal learning: there is one stage, so no domain is an earlier one")
    kinds = {"own": own, "last": last, "base": base}
    after, end, before = (_whole(kind, kinds[kind], names) for kind in kinds)
    gained = float((after - before).mean())
    if gained < LEAST_GAIN:
        raise UserError(
            f"equal learning: of earlier domains {100 * gained:.0f} points were learned, too few "
            "to be kept or lost"
        )
    return float((end - before).mean() / gained)


def _whole(kind: str, values: Sequence[float], names: Sequence[str]) -> np.ndarray:
    """The values as an array, one for each name."""
    array = np.asarray(values, dtype=float)
    if array.shape != (len(names),) or not len(names):
        raise UserError(
            f"equal learning: expected a score ({kind}) for each of {len(names)} sets, at least "
            f"one, found {array.size}"
        )
    for name, value in zip(names, array, strict=True):
        if np.isnan(value):
            raise UserError(f"equal learning: the score of {name} ({kind}) is missing")
    return array


@dataclass(frozen=True)
class AtLevel:
    """What is kept at a level; nan with the reason if no two neighbouring rates bracket it.

    between: places of the two rates in the curve; one place twice if it is met exactly.
    """

    kept: float
    reason: str = ""
    between: tuple[int, int] | None = None


def at_level(learned_at: ArrayLike, kept_at: ArrayLike, level: float) -> AtLevel:
    """What a curve keeps where it first learns `level`, linear between two neighbouring rates.

    A rate that is too high learns less again; the crossing at the lowest rates is taken.

    Args:
        learned_at, kept_at: (R,) of each rate, from the lowest to the highest.

    Raises:
        UserError: a number is missing.
    """
    x, y = (np.asarray(values, dtype=float) for values in (learned_at, kept_at))
    if x.shape != y.shape or not len(x) or np.isnan([*x, *y]).any():
        raise UserError("equal learning: expected what is learned and kept at every rate")
    for place in range(len(x)):
        if x[place] == level:
            return AtLevel(float(y[place]), "", (place, place))
        if place + 1 < len(x) and (x[place] - level) * (x[place + 1] - level) < 0:
            share = (level - x[place]) / (x[place + 1] - x[place])
            value = y[place] + share * (y[place + 1] - y[place])
            return AtLevel(float(value), "", (place, place + 1))
    return AtLevel(float("nan"), BELOW if x.max() < level else ABOVE)


def learns(best: float, plain: float) -> bool:
    """Whether a method's best *learned* over its rates is 0.9 of plain training's best, or more."""
    return bool(best >= LEAST_LEARNED * plain)


@dataclass(frozen=True)
class Compared:
    """A method less a reference method at L*, over the worlds in which both have a number.

    smallest: the difference that a paired t-test of these worlds would have found in 80 of 100
    cases, nan for fewer than three. worlds: how many there are, with a number or without.
    """

    difference: PairedDifference
    smallest: float
    worlds: int

    def words(self, unit: str = "world") -> str:
        """What can be said, in one sentence; of fewer than three worlds, that it is a direction."""
        n, mean = self.difference.n, 100 * self.difference.mean
        over = f"over {n} {unit}{'s' * (n != 1)}"
        if n < FEWEST:
            return f"{mean:+.0f} points {over}, too few for an interval: a direction at most"
        low, high = 100 * self.difference.low, 100 * self.difference.high
        text = f"{mean:+.0f} points [{low:+.0f}, {high:+.0f}] {over}"
        if low <= 0 <= high:
            text += f", not told from 0; {100 * self.smallest:.0f} points would mostly have been"
        return text


def compared(of: Mapping[Unit, float], reference: Mapping[Unit, float]) -> Compared | None:
    """The paired difference of two methods' kept shares at L* by world; None if no world has both.

    nan marks a world in which a method has no number.
    """
    shared = [key for key in of if not np.isnan([of[key], reference.get(key, np.nan)]).any()]
    if not shared:
        return None
    pairs = [of[key] for key in shared], [reference[key] for key in shared]
    difference = paired_difference(*pairs)
    return Compared(difference, smallest_seen(np.subtract(*pairs)), len({*of, *reference}))


def smallest_seen(differences: ArrayLike) -> float:
    """The effect that a paired two-sided 5 % t-test finds with a power of 80 %, by their spread.

    nan for fewer than three differences.
    """
    array = np.asarray(differences, dtype=float)
    return smallest_shown(spread_of(array), len(array))
