"""Ways to answer a set without understanding it, and how often each is right.

None may be more than five points above chance. What looks at the choices alone cannot be, by the
way that choices are shared (`quads`); what compares them with the question can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from lethe.errors import UserError
from lethe.sources.real.text_tasks import bare
from lethe.sources.world.shortcuts import Scorer, accuracy, chance, position_prior

ALLOWED = 0.05
FOLDS = 5


def shortcut_rows(sets: dict[str, list[dict]], texts: Iterable[str]) -> list[dict]:
    """How often every shortcut is right in every set.

    Args:
        sets: rows by name.
        texts: in which words are counted, for how common a choice is.

    Returns:
        Rows with set, shortcut, items, accuracy, chance and above, all but items as shares.
    """
    counts = Counter(word for text in texts for word in bare(text).split())
    found = []
    for name, rows in sets.items():
        fixed = [(label, rows, score) for label, score in _fixed(counts).items()]
        fitted = [
            (label, accuracy(rows, _cross_fitted(rows, fit)))
            for label, fit in (("choices alone", choices_alone), ("place", position_prior))
        ]
        right = [(label, accuracy(of, score)) for label, of, score in fixed] + fitted
        guess = chance(rows)
        found += [
            {
                "set": name,
                "shortcut": label,
                "items": len(rows),
                "accuracy": round(share, 4),
                "chance": round(guess, 4),
                "above": round(share - guess, 4),
            }
            for label, share in right
        ]
    return found


def check(rows: list[dict]) -> None:
    """Raise UserError if a shortcut is surely above what is allowed, by two standard errors."""
    for row in rows:
        error = (row["chance"] * (1 - row["chance"]) / row["items"]) ** 0.5
        if row["above"] - 2 * error > ALLOWED:
            raise UserError(
                f"{row['set']} is solved by a shortcut ({row['shortcut']}: right in "
                f"{row['accuracy']:.0%} of {row['items']} items): choose another `seed`, or "
                "correct how items are chosen (workflow/lethe/sources/real)."
            )


def _fixed(counts: Counter) -> dict[str, Scorer]:
    def common(row: dict) -> list[float]:
        return [
            float(np.mean([np.log(counts[word] + 1) for word in bare(choice).split()] or [0.0]))
            for choice in row["choices"]
        ]

    return {
        "longest": lambda row: [len(choice) for choice in row["choices"]],
        "shortest": lambda row: [-len(choice) for choice in row["choices"]],
        "commonest": common,
        "rarest": lambda row: [-value for value in common(row)],
        **COMPARING,
    }


def word_overlap(row: dict) -> list[float]:
    """Which share of a choice's words the question has."""
    asked = set(bare(row["context"]).split())
    return [
        float(np.mean([word in asked for word in bare(choice).split()] or [0.0]))
        for choice in row["choices"]
    ]


def letter_overlap(row: dict) -> list[float]:
    """Which share of a choice's runs of three letters the question has."""
    asked = set(_trigrams(row["context"]))
    return [
        float(np.mean([run in asked for run in _trigrams(choice)] or [0.0]))
        for choice in row["choices"]
    ]


COMPARING: dict[str, Scorer] = {
    "words of the question": word_overlap,
    "other words": lambda row: [-value for value in word_overlap(row)],
    "letters of the question": letter_overlap,
    "other letters": lambda row: [-value for value in letter_overlap(row)],
}
"""Shortcuts that compare a choice with its question; `balance` keeps them near chance."""


def choices_alone(training: list[dict]) -> Scorer:
    """Naive Bayes of right against wrong choices, by their words and runs of three letters."""
    seen: dict[bool, Counter] = {True: Counter(), False: Counter()}
    for row in training:
        for place, choice in enumerate(row["choices"]):
            seen[place == row["answer"]].update(_features(choice))
    totals = {right: counts.total() + 1 for right, counts in seen.items()}

    def odds(feature: str) -> float:
        shares = [(seen[right][feature] + 1) / totals[right] for right in (True, False)]
        return float(np.log(shares[0] / shares[1]))

    return lambda row: [
        float(np.mean([odds(feature) for feature in _features(choice)] or [0.0]))
        for choice in row["choices"]
    ]


def _features(choice: str) -> set[str]:
    return set(bare(choice).split()) | {f"_{run}" for run in _trigrams(choice)}


def _trigrams(text: str) -> list[str]:
    return [word[at : at + 3] for word in bare(text).split() for at in range(len(word) - 2)]


def _cross_fitted(rows: list[dict], fit) -> Scorer:
    """Each row is scored by what was learned from the other folds; a cluster is in one fold."""
    clusters = list(dict.fromkeys(row["cluster"] for row in rows))
    fold = {cluster: number % FOLDS for number, cluster in enumerate(clusters)}
    scorers = [
        fit([row for row in rows if fold[row["cluster"]] != number]) for number in range(FOLDS)
    ]
    return lambda row: scorers[fold[row["cluster"]]](row)
