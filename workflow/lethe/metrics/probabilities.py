"""How far probabilities of choices can be believed: calibration error, Brier score, coverage.

The probabilities of an item are the softmax over the log-probabilities of its choices, each summed
over the choice's tokens, as `acc` compares them. Bias pairs have no right answer and no place here.
"""

from dataclasses import dataclass

import numpy as np

BINS = 15
"""Bins of the calibration error, all of one width (Guo et al. 2017, arXiv 1706.04599)."""
MISSED = 0.1
"""Share of right answers that conformal sets may miss: alpha of 2604.23987."""


@dataclass(frozen=True)
class Probabilities:
    """Of items, each (items,).

    Attributes:
        gold: probability of the right answer; of the likeliest, if there are several.
        confidence: of the likeliest choice.
        right: 1 if that is the right one, else 0; of several likeliest ones, the share.
        squares: sum of the squared probabilities.
    """

    gold: np.ndarray
    confidence: np.ndarray
    right: np.ndarray
    squares: np.ndarray


def probabilities(logprobs: np.ndarray, gold: np.ndarray) -> Probabilities:
    """From log-probabilities in nats, (items, choices), nan where an item has fewer choices.

    gold: (items,) log-probability of the right answer, which is one of the item's.
    """
    top = np.nanmax(logprobs, axis=1)
    weights = np.exp(np.where(np.isnan(logprobs), -np.inf, logprobs - top[:, None]))
    total = weights.sum(axis=1)
    shares = weights / total[:, None]
    likeliest = (logprobs == top[:, None]).sum(axis=1)
    return Probabilities(
        gold=np.exp(gold - top) / total,
        confidence=1 / total,
        right=np.where(gold >= top, 1 / likeliest, 0.0),
        squares=(shares**2).sum(axis=1),
    )


def bins_of(confidence: np.ndarray) -> np.ndarray:
    """(items,) the bin of each: number b holds confidences above b/BINS, up to (b+1)/BINS."""
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)


def ece(found: Probabilities) -> float:
    """Expected calibration error: sum over bins n_b/N |acc_b - conf_b|, from 0 to 1."""
    gaps = np.bincount(bins_of(found.confidence), found.right - found.confidence, BINS)
    return float(np.abs(gaps).sum() / len(found.right))


def ece_if_calibrated(confidence: np.ndarray) -> float:
    """The calibration error that answers right as often as they are sure show by chance alone.

    1/N sum_b sqrt(2/pi sum_i c_i (1 - c_i)): the mean of the size of a sum of independent answers,
    as of the normal distribution. It shrinks as 1/sqrt(N); an error near it is none.
    """
    spread = np.bincount(bins_of(confidence), confidence * (1 - confidence), BINS)
    return float(np.sqrt(2 / np.pi * spread).sum() / len(confidence))


def brier(found: Probabilities) -> np.ndarray:
    """(items,) sum over choices (p_j - y_j)^2 (Brier 1950), from 0 to 2; y is 1 for the gold."""
    return found.squares - 2 * found.gold + 1


def thresholds(scores: np.ndarray, half: np.ndarray) -> np.ndarray:
    """(items,) for each item the threshold found on the half that it does not belong to.

    The threshold of n items is the smallest score of rank (n + 1)(1 - MISSED) or above (Vovk et al.
    2005; Angelopoulos & Bates, arXiv 2107.07511, section 1); nan if n is too small for any.

    Args:
        scores: (items,) 1 - p(gold) of the base.
        half: (items,) of two values; clusters must not be divided.
    """
    found = np.full(len(scores), np.nan)
    for one in (False, True):
        others = np.sort(scores[half != one])
        # Rounded, or 10 * 0.9 would count as more than 9.
        rank = int(np.ceil(round((len(others) + 1) * (1 - MISSED), 9)))
        if 1 <= rank <= len(others):
            found[half == one] = others[rank - 1]
    return found


def covered(gold: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """(items,) 1 where the conformal set {choices: 1 - p <= threshold} holds the right answer."""
    return (1 - gold <= threshold).astype(float)
