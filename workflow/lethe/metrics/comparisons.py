"""Paired tests over the same seeds, and Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import stdtr

from lethe.errors import UserError
from lethe.metrics.intervals import EVERYWHERE, Range, t_interval

EXACT_PAIRS = 16
RANDOM_FLIPS = 100_000


@dataclass(frozen=True)
class PairedDifference:
    """Mean of a - b over pairs, its 95 % t-interval (nan for n < 3), and two-sided p-values."""

    mean: float
    low: float
    high: float
    n: int
    p_t: float
    p_sign_flip: float


def paired_difference(
    a: Sequence[float], b: Sequence[float], seed: int = 0, within: Range = EVERYWHERE
) -> PairedDifference:
    """Compare a and b, scores of the same seeds in the same order.

    seed: for the random sign flips above 16 pairs. within: the range of a difference, at which its
    interval is cut. UserError if lengths differ or a pair is nan.
    """
    if len(a) != len(b) or not len(a):
        raise UserError(f"a paired comparison needs equally many values, found {len(a)}, {len(b)}")
    difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    if np.isnan(difference).any():
        raise UserError("a paired comparison needs both values of every pair, found a missing one")
    low, high = t_interval(difference, within)
    return PairedDifference(
        mean=float(difference.mean()),
        low=low,
        high=high,
        n=len(difference),
        p_t=t_test(difference),
        p_sign_flip=sign_flip_test(difference, seed),
    )


def t_test(difference: np.ndarray) -> float:
    """Two-sided p of Student's paired t test; nan for n < 2."""
    n = len(difference)
    if n < 2:
        return float("nan")
    spread = difference.std(ddof=1)
    if spread == 0:
        return 1.0 if difference.mean() == 0 else 0.0
    t = difference.mean() / (spread / np.sqrt(n))
    return float(2 * stdtr(n - 1, -abs(t)))


def one_sided_t_test(difference: np.ndarray) -> float:
    """One-sided p of Student's t test of a mean above 0; nan for n < 2."""
    two_sided = t_test(difference)
    if difference.mean() > 0:
        return two_sided / 2
    return 1 - two_sided / 2


def sign_flip_test(difference: np.ndarray, seed: int = 0) -> float:
    """Two-sided p: share of sign patterns with a mean at least as far from 0.

    Exact up to 16 pairs, else from random patterns.
    """
    n = len(difference)
    if n <= EXACT_PAIRS:
        signs = np.array(list(product((1.0, -1.0), repeat=n)))
        extra = 0
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(RANDOM_FLIPS, n))
        extra = 1
    reached = np.abs(signs @ difference)
    observed = abs(difference.sum())
    as_far = int((reached >= observed * (1 - 1e-12)).sum())
    return (as_far + extra) / (len(signs) + extra)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down adjusted p-values, in the order given."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted
