"""Sets of four choices about prose: how a sentence ends, and what a passage has said.

Both are made of the texts alone. The four choices of a question come from one document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from lethe.sources.real.prose import Document
from lethe.sources.real.quads import SIZE, Asked, fours
from lethe.sources.real.text_tasks import SMALL
from lethe.sources.real.word_sets import related

ENDING = (5, 12)
"""Words of an ending, at least and at most."""
BEGINNING = (6, 24)
PASSAGE = (50, 110)
"""Words of a passage."""
YEAR = re.compile(r"(?<![\d,.$-])(?:1[5-9]|20)\d\d(?![\d,%-]|\.\d)")
WORD = re.compile(r"\w+")
QUOTES = re.compile(r"[\"“”‘—]")
TOLD = (2, 3)
"""Words before a gap that a question repeats, at least and at most."""


def ending_fours(
    documents: list[Document], rng: np.random.Generator, most: int
) -> list[tuple[Asked, ...]]:
    """Fours of beginnings, each with the sentence before it; at most `most` of one document."""
    found = []
    for document in documents:
        asked = list(_endings(document))
        order = [asked[i] for i in rng.permutation(len(asked))]
        found += fours(order, _exchangeable, most)
    return [found[i] for i in rng.permutation(len(found))]


def _endings(document: Document) -> Iterator[Asked]:
    """Every other sentence with the one before it, cut before its last words."""
    for before, sentence in zip(document.sentences[::2], document.sentences[1::2], strict=False):
        words = sentence.split()
        cut = max(BEGINNING[0], len(words) - ENDING[1])
        beginning, ending = " ".join(words[:cut]), " ".join(words[cut:])
        if QUOTES.search(f"{before} {sentence}"):
            continue
        fits = ENDING[0] <= len(words) - cut and cut <= BEGINNING[1]
        if fits and sentence.endswith(".") and len(before.split()) <= 2 * BEGINNING[1]:
            context = f"{before} {beginning}"
            if not related(context, ending):
                yield Asked(context, ending, (sentence,), (), len(ending.split()))


def _exchangeable(one: Asked, other: Asked) -> bool:
    """Whether two endings are nearly as long, and neither shares letters with the other's context.

    An ending shares none with its own, so else the one that shares none would be right.
    """
    return (
        abs(one.about - other.about) <= 2
        and not related(one.context, other.answer)
        and not related(other.context, one.answer)
    )


def gap_fours(
    documents: list[Document], nouns: frozenset[str], rng: np.random.Generator, most: int
) -> list[tuple[Asked, ...]]:
    """Fours of questions about one passage; at most `most` passages of one document.

    nouns: words whose place may be a gap.
    """
    found = []
    for document in documents:
        passages = list(_passages(document.sentences))
        order = [passages[i] for i in rng.permutation(len(passages))]
        found += [four for passage in order if (four := _asked_of(passage, nouns))][:most]
    return [found[i] for i in rng.permutation(len(found))]


def _passages(sentences: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Runs of whole sentences as long as `PASSAGE`; none overlap."""
    run: list[str] = []
    for sentence in sentences:
        run.append(sentence)
        length = len(" ".join(run).split())
        if length >= PASSAGE[0]:
            if length <= PASSAGE[1] and len(run) >= SIZE:
                yield tuple(run)
            run = []


def _asked_of(passage: tuple[str, ...], nouns: frozenset[str]) -> tuple[Asked, ...] | None:
    """Questions for years, or else for nouns, that occur once each, in four sentences."""
    text = " ".join(passage)
    seen = Counter(WORD.findall(text.lower()))
    for what in ("year", "word"):
        answers: dict[str, str] = {}
        for sentence in passage:
            found = YEAR.findall(sentence) if what == "year" else _nouns(sentence, nouns)
            once = [
                word
                for word in found
                if seen[word] == 1
                and text.count(word) == 1
                and len(_before(sentence, word)) >= TOLD[0]
            ]
            if once:
                # The word in the middle, so that its sentence tells as much on either side.
                answers[once[len(once) // 2]] = sentence
        if len(answers) >= SIZE:
            return tuple(
                Asked(_question(text, sentence, answer), answer, passage)
                for answer, sentence in list(answers.items())[:SIZE]
            )
    return None


def _nouns(sentence: str, nouns: frozenset[str]) -> list[str]:
    return [word for word in WORD.findall(sentence) if word in nouns]


def _before(sentence: str, answer: str) -> list[str]:
    """The last words before an answer that carry meaning."""
    words = (word.strip(',;.:()"“”').lower() for word in sentence.split(answer)[0].split())
    return [word for word in words if word and word not in SMALL][-TOLD[1] :]


def _question(text: str, sentence: str, answer: str) -> str:
    return f"{text}\n\nIn short: {' '.join(_before(sentence, answer))}"
