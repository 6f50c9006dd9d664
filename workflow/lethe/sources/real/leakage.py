"""The leakage rules of the real data, counted on what is written; a violation stops the build."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from lethe.errors import UserError
from lethe.sources.real.prose import sentences_of
from lethe.sources.real.text_tasks import bare
from lethe.sources.world.leakage import shared_between_splits

Rows = dict[str, dict[str, list[dict]]]
"""Rows by name and split."""

RULES = {
    "items_in_two_splits": "an item is in two splits",
    "taught_in_two_splits": "a task asks in one split for what another split has",
    "asked_words_taught": "a task teaches about a word that is asked about",
    "answers_taught": "a task's text tells the answer of a question",
    "asked_sentences_taught": "a sentence that is asked about is trained on",
    "held_prose_taught": "a sentence of held-out prose is trained on",
    "documents_in_two_splits": "a document has pieces in two splits",
}
WORD_SETS = ("definitions", "words", "kinds", "opposites", "capitals")
PROSE_SETS = ("endings", "gaps")
SPLITS = ("train", "dev", "test")
WORD = re.compile(r"\w+")


class Telling:
    """Finds texts that tell an answer: they have all the texts that a question must not have."""

    def __init__(self, asked: Iterable[dict]) -> None:
        self._by_word: dict[str, list[tuple[str, ...]]] = {}
        for row in asked:
            told = tuple(bare(text) for text in row["told"])
            if told:
                # A long word is in few texts, so few questions are looked at for each.
                longest = max(" ".join(told).split(), key=len)
                self._by_word.setdefault(longest, []).append(told)

    def tells(self, text: str) -> bool:
        """Whether a text tells the answer of any question."""
        padded = f" {bare(text)} "
        return any(
            all(f" {part} " in padded for part in told)
            for word in set(padded.split())
            for told in self._by_word.get(word, ())
        )


def rows_in(sets: Rows, names: Iterable[str]) -> list[dict]:
    """All rows of the named sets."""
    return [row for name in names for rows in sets[name].values() for row in rows]


def text_of(row: dict) -> str:
    """What a task's row teaches."""
    return f"{row['prompt']} {row['response']}"


def count_leaks(sets: Rows, tasks: Rows, prose: Rows) -> dict[str, int]:
    """Violations by rule (`RULES`); all must be 0.

    Args:
        sets: questions, with their `subjects` and what would tell their answer (`told`).
        tasks: prompts and responses, with their `subjects`.
        prose: pieces with `text`, and their document as `cluster`.
    """
    taught = [row for splits in tasks.values() for row in splits["train"]]
    words = {word for row in rows_in(sets, WORD_SETS) for word in row["subjects"]}
    telling = Telling(rows_in(sets, WORD_SETS))
    trained = {bare(text) for row in taught for text in row["subjects"]}
    trained |= _sentences(row for splits in prose.values() for row in splits["train"])
    asked = {bare(text) for row in rows_in(sets, PROSE_SETS) for text in row["subjects"]}
    held = _sentences(
        row for splits in prose.values() for split in ("dev", "test") for row in splits[split]
    )
    return {
        "items_in_two_splits": sum(
            shared_between_splits(splits) for splits in chain(sets.values(), tasks.values())
        ),
        "taught_in_two_splits": sum(
            _shared(splits, lambda row: row["source"]) for splits in tasks.values()
        ),
        "asked_words_taught": sum(not words.isdisjoint(row["subjects"]) for row in taught),
        "answers_taught": sum(telling.tells(text_of(row)) for row in taught),
        "asked_sentences_taught": len(asked & trained),
        "held_prose_taught": len(held & trained),
        "documents_in_two_splits": sum(
            _shared(splits, lambda row: row["cluster"]) for splits in prose.values()
        ),
    }


def _sentences(rows: Iterable[dict]) -> set[str]:
    return {bare(sentence) for row in rows for sentence in sentences_of(row["text"])}


def _shared(splits: dict[str, list[dict]], of) -> int:
    values = [{of(row) for row in splits[split]} for split in SPLITS]
    return sum(len(values[a] & values[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def check(counts: dict[str, int]) -> None:
    """Raise UserError with every broken rule."""
    broken = [f"{RULES[name]} ({count} times)" for name, count in counts.items() if count]
    if broken:
        raise UserError(
            "The real data leaks: " + "; ".join(broken) + ". Choose another `seed`, or correct "
            "how items are chosen (workflow/lethe/sources/real)."
        )
