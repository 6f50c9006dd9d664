"""What so many units can show: the smallest effect, the half-width, and the n that meets one.

All of Student's t over units whose effects spread by s, their standard deviation, as verdicts of
claims are. With n units the two-sided interval has the half-width t(n-1, .975) s / sqrt(n). An
effect d is found to lie beyond a margin m with the chance that a noncentral t of n - 1 degrees and
noncentrality (d - m) sqrt(n) / s exceeds t(n-1, 1 - level / 2) (Lehmann & Romano 2005, Testing
Statistical Hypotheses, section 5.2).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, nctdtrinc, stdtrit

POWER = 0.8
LEVEL = 0.05
FEWEST = 3
MOST = 10_000
SURE = 0.8
"""How sure the careful n is that the spread is not above what it reckons with."""


def spread_of(effects: ArrayLike) -> float:
    """Standard deviation over units (n - 1); nan for fewer than three."""
    array = np.asarray(effects, dtype=float)
    return float(array.std(ddof=1)) if len(array) >= FEWEST else float("nan")


def smallest_shown(spread: float, n: int, margin: float = 0.0, level: float = LEVEL) -> float:
    """The smallest effect that n units would have shown to lie beyond the margin, 4 times in 5.

    Exact for independent normal effects that spread by `spread`; margin, spread and the value are
    in one unit. level: two-sided, of which the half on the effect's side counts. nan for n < 3.
    """
    if n < FEWEST or np.isnan(spread):
        return float("nan")
    needed = float(stdtrit(n - 1, 1 - level / 2))
    return margin + float(nctdtrinc(n - 1, 1 - POWER, needed)) * spread / float(np.sqrt(n))


def half_width(spread: float, n: int) -> float:
    """Half of the 95 % t-interval of n units; nan for n < 3."""
    if n < FEWEST:
        return float("nan")
    return float(stdtrit(n - 1, 1 - LEVEL / 2)) * spread / float(np.sqrt(n))


def units_for(spread: float, target: float) -> int | None:
    """The fewest units, three or more, whose half-width is expected to be `target` or less.

    None if the spread is unknown or 10,000 would not do.
    """
    if np.isnan(spread):
        return None
    low, high = FEWEST, FEWEST
    while half_width(spread, high) > target:
        if high == MOST:
            return None
        low, high = high, min(2 * high, MOST)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if half_width(spread, middle) <= target else (middle + 1, high)
    return high


def careful_spread(spread: float, n: int) -> float:
    """The spread that the true one is below with 80 %, from n units (chi-squared, n - 1 degrees).

    A spread measured on five worlds is rough: the n that it asks for is too small half the time.
    """
    if n < FEWEST:
        return float("nan")
    return spread * float(np.sqrt((n - 1) / chdtri(n - 1, SURE)))
