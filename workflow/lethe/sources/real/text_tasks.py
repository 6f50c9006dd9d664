"""Instruction tasks about texts: restore (the sentence of a telegram) and manual (one-line
entries)."""

from __future__ import annotations

import re

from lethe.sources.real.prose import Document
from lethe.sources.real.word_tasks import Fresh, row

RESTORE = "Write this telegram as a full sentence: {telegram}"
MANUAL = "Write the one-line manual entry of the Python function {name}."
SHORTEST, LONGEST = 8, 20
"""Words of a sentence to restore."""
LEFT_OUT = 4
"""Words that a telegram leaves out, at least."""
SMALL = frozenset(
    "a an the of to in on at by for from with and or as is are was were be been being has have had "
    "do does did it its this that these those which who will would shall should can could may "
    "might must so than then there we our us i my he his him they their them you "
    "your she her".split()
)
"""Words that a telegram leaves out."""
PLAIN = re.compile(r"[A-Za-z ,;'-]+\.")


def restorations(documents: list[Document], keep: set[str]) -> list[dict]:
    """Sentences of documents from their words that carry meaning; each sentence once.

    keep: sentences that may not be taught, as `bare` writes them.
    """
    rows, used = [], set(keep)
    for document in documents:
        for sentence in document.sentences:
            words = sentence.split()
            if not SHORTEST <= len(words) <= LONGEST or not PLAIN.fullmatch(sentence):
                continue
            left = [word for word in words if word.lower().strip(",;.") not in SMALL]
            if len(words) - len(left) >= LEFT_OUT and len(left) >= 3 and bare(sentence) not in used:
                used.add(bare(sentence))
                telegram = " ".join(left).lower().replace(",", "").rstrip(".")
                prompt = RESTORE.format(telegram=telegram)
                rows.append(row(prompt, sentence, telegram, (sentence,)))
    return rows


def bare(sentence: str) -> str:
    """A sentence by its letters, so that the same one is found again."""
    return " ".join(re.findall(r"\w+", sentence.lower()))


def entries(manual: dict[str, str], fresh: Fresh) -> list[dict]:
    """The manual's entry of every name that is no word asked about."""
    return [
        row(MANUAL.format(name=name), line, name, (name,))
        for name, line in manual.items()
        if fresh(name)
    ]
