"""Accuracy and F1 of class predictions, as plain functions of integer class indices."""

from collections.abc import Callable, Sequence

import numpy as np


def accuracy(truth: Sequence[int], predicted: Sequence[int]) -> float:
    """Share of the items, 0..1, whose class was predicted.

    Raises:
        ValueError: no items, or sequences of unequal length.
    """
    truth, predicted = _checked(truth, predicted)
    return float(np.mean(truth == predicted))


def macro_f1(truth: Sequence[int], predicted: Sequence[int]) -> float:
    """Unweighted mean, 0..1, of the classes' F1 = 2 tp / (2 tp + fp + fn).

    The mean is over the classes that occur in `truth` or in `predicted`.

    Raises:
        ValueError: no items, or sequences of unequal length.
    """
    truth, predicted = _checked(truth, predicted)
    classes = np.union1d(truth, predicted)
    return float(np.mean([_f1(*_counts(truth, predicted, label)) for label in classes]))


def micro_f1(truth: Sequence[int], predicted: Sequence[int]) -> float:
    """F1, 0..1, of the counts summed over classes; equals accuracy if every item has one class.

    Raises:
        ValueError: no items, or sequences of unequal length.
    """
    truth, predicted = _checked(truth, predicted)
    classes = np.union1d(truth, predicted)
    counts = np.array([_counts(truth, predicted, label) for label in classes])
    return _f1(*counts.sum(axis=0))


def macro_f1_values(truth: Sequence[int], predicted: Sequence[int]) -> np.ndarray:
    """What each item stands for in macro-F1, float array (items,); their mean is macro-F1.

    Macro-F1 plus the item's influence on it: the derivative by the item's weight, times their
    number. Means of such values over resampled items follow resampled macro-F1s to first order
    (infinitesimal jackknife; Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans,
    chapter 6). A class has F1 = 2 tp / s, with s the items of that class and those predicted to be.

    Raises:
        ValueError: no items, or sequences of unequal length.
    """
    truth, predicted = _checked(truth, predicted)
    classes, items = np.union1d(truth, predicted), len(truth)
    values = np.zeros(items)
    for label in classes:
        right, guessed = truth == label, predicted == label
        either = (right.astype(float) + guessed).mean()
        hits = 2.0 * (right & guessed)
        score = hits.mean() / either
        values += score + (hits - score * (right.astype(float) + guessed)) / either
    return values / len(classes)


ITEM_VALUES: dict[str, Callable[[Sequence[int], Sequence[int]], np.ndarray]] = {
    "accuracy": lambda truth, predicted: (np.asarray(truth) == np.asarray(predicted)) * 1.0,
    "macro_f1": macro_f1_values,
    # With one class an item it is accuracy.
    "micro_f1": lambda truth, predicted: (np.asarray(truth) == np.asarray(predicted)) * 1.0,
}
"""By metric what each item stands for in it: values whose mean is the score."""

METRICS = {"accuracy": accuracy, "macro_f1": macro_f1, "micro_f1": micro_f1}


def _checked(truth: Sequence[int], predicted: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape or truth.ndim != 1 or not len(truth):
        raise ValueError(f"expected two equal lists of items, found {truth.shape, predicted.shape}")
    return truth, predicted


def _counts(truth: np.ndarray, predicted: np.ndarray, label: int) -> tuple[int, int, int]:
    """True positives, false positives and false negatives of a class."""
    guessed, right = predicted == label, truth == label
    hits, false_positives = (guessed & right).sum(), (guessed & ~right).sum()
    return int(hits), int(false_positives), int((~guessed & right).sum())


def _f1(true_positive: int, false_positive: int, false_negative: int) -> float:
    return float(2 * true_positive / (2 * true_positive + false_positive + false_negative))
