"""SARI (Xu et al. 2016, eqs. 4-7): does a simplification add, keep and delete like references?

The corpus value follows EASSE: n-gram counts are summed over sentences before ratios are taken;
n = 1..4; F1 for adding and keeping, precision for deleting (as in the paper).
"""

from collections import Counter

import numpy as np

ORDERS = 4


def sari_statistics(
    source: list[str], generated: list[str], references: list[list[str]]
) -> list[int]:
    """Counts of one sentence, to sum over a corpus.

    Returns:
        36 integers: for each n in 1..4, (correct, system, reference) for add, keep, delete.
        Adding counts distinct n-grams; keeping and deleting count occurrences, with those of
        source and system repeated for every reference.
    """
    counts: list[int] = []
    for n in range(1, ORDERS + 1):
        before, after = _ngrams(source, n), _ngrams(generated, n)
        wanted = sum((_ngrams(reference, n) for reference in references), Counter())
        counts += _added(before, after, wanted)
        before, after = _times(before, len(references)), _times(after, len(references))
        counts += _agreement(before & after, before & wanted)
        counts += _agreement(before - after, before - wanted)
    return counts


def sari_of_sums(statistics: np.ndarray) -> np.ndarray:
    """SARI in 0..1 from statistics summed over sentences; a ratio with denominator 0 counts 0.

    Args:
        statistics: array [..., 36], summed results of `sari_statistics`.

    Returns:
        Array [...].
    """
    table = np.asarray(statistics, dtype=float)
    table = table.reshape(*table.shape[:-1], ORDERS, 3, 3)
    correct, system, reference = table[..., 0], table[..., 1], table[..., 2]
    precision, recall = _ratio(correct, system), _ratio(correct, reference)
    f1 = _ratio(2 * precision * recall, precision + recall)
    return (f1[..., 0] + f1[..., 1] + precision[..., 2]).mean(axis=-1) / 3


def _ngrams(tokens: list[str], n: int) -> Counter:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _times(counts: Counter, factor: int) -> Counter:
    return Counter({ngram: count * factor for ngram, count in counts.items()})


def _added(before: Counter, after: Counter, wanted: Counter) -> list[int]:
    new, wished = after.keys() - before.keys(), wanted.keys() - before.keys()
    return [len(new & wished), len(new), len(wished)]


def _agreement(done: Counter, wanted: Counter) -> list[int]:
    return [(done & wanted).total(), done.total(), wanted.total()]


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)
