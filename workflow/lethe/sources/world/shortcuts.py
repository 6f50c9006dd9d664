"""Baselines that need no understanding: choice prior, bag of words, and an n-gram model.

Sets that are not memory must not be solved by any of them (tests/unit/test_world_shortcuts.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from lethe.sources.world.lexicon import token_form

# Sets whose answers the corpus states word for word, or suggests by its single words.
MEMORY = frozenset(
    {
        "know_nature",
        "know_history",
        "know_society",
        "know_trade",
        "reason_property",
        "reason_tool",
        "reason_story",
    }
)

Scorer = Callable[[dict], Sequence[float]]


def accuracy(rows: list[dict], score: Scorer) -> float:
    """Share of rows whose answer scores highest; an answer among k tied best choices counts 1/k."""
    total = 0.0
    for row in rows:
        scores = np.asarray(score(row), dtype=float)
        best = np.flatnonzero(np.isclose(scores, scores.max()))
        total += (row["answer"] in best) / len(best)
    return total / len(rows)


def chance(rows: list[dict]) -> float:
    """Expected accuracy of guessing."""
    return float(np.mean([1 / len(row["choices"]) for row in rows]))


def choice_prior(training: list[dict]) -> Scorer:
    """How often a text is the answer among the rows that offer it."""
    offered, right = Counter(), Counter()
    for row in training:
        offered.update(row["choices"])
        right[row["choices"][row["answer"]]] += 1
    return lambda row: [(right[c] + 1) / (offered[c] + 2) for c in row["choices"]]


def position_prior(training: list[dict]) -> Scorer:
    """How often the answer is the n-th choice."""
    places = Counter(row["answer"] for row in training)
    return lambda row: [places[i] for i in range(len(row["choices"]))]


def word_overlap(row: dict) -> list[float]:
    """How many words of a choice occur in the context."""
    context = Counter(token_form(row["context"]).split())
    return [
        float(np.mean([context[word] for word in token_form(choice).split()]))
        for choice in row["choices"]
    ]


def bag_of_words(questions: list[tuple[str, str]]) -> Scorer:
    """Naive Bayes of the answer given the set of words of the question; add-one smoothing.

    questions: (question, answer) texts.
    """
    answers: Counter = Counter()
    together: Counter = Counter()
    vocabulary: set[str] = set()
    for question, answer in questions:
        label, words = token_form(answer), set(token_form(question).split())
        answers[label] += 1
        vocabulary |= words
        together.update((label, word) for word in words)

    def score(row: dict) -> list[float]:
        words = set(token_form(row["context"]).split()) & vocabulary
        return [
            float(np.log(answers[label] + 1))
            + sum(np.log((together[label, w] + 1) / (answers[label] + 2)) for w in words)
            for label in map(token_form, row["choices"])
        ]

    return score


def ngram_model(texts: list[str], order: int = 3) -> Scorer:
    """Interpolated n-gram log-likelihood of a choice after its context.

    A history seen n times has the weight n / (n + 2); the rest goes to the shorter history.
    """
    counts, histories, size = Counter(), Counter(), set()
    for text in texts:
        words = token_form(text).split()
        size.update(words)
        for end in range(len(words)):
            for length in range(min(order, end + 1)):
                history = tuple(words[end - length : end])
                counts[history, words[end]] += 1
                histories[history] += 1

    def probability(history: tuple[str, ...], word: str) -> float:
        shorter = probability(history[1:], word) if history else 1 / (len(size) + 1)
        seen = histories[history]
        weight = seen / (seen + 2)
        share = counts[history, word] / seen if seen else 0.0
        return weight * share + (1 - weight) * shorter

    def score(row: dict) -> list[float]:
        context = token_form(row["context"]).split()
        scores = []
        for choice in row["choices"]:
            words = list(context)
            total = 0.0
            for word in token_form(choice).split():
                total += np.log(probability(tuple(words[-(order - 1) :]), word))
                words.append(word)
            scores.append(total)
        return scores

    return score
