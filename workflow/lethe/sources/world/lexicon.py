"""Words that several generators share: people, and invented proper names."""

from __future__ import annotations

import numpy as np

PEOPLE = (
    "anna boris clara david elena felix greta hugo irene jonas karin leo martha nils olga peter "
    "rosa simon tilda ulrich vera walter yara zeno amos beate carlo doris emil flora gustav hedda "
    "ivan julia klaus lydia milo nora otto paula"
).split()

ONSETS = "b br d dr f fl g gr h k kr l m n p pr r s sk st t tr v vl w z".split()
VOWELS = "a e i o u au ei".split()
CODAS = "l m n r s th sk nd rn lm x k".split()
ENDINGS = {
    "herb": ["wort", "leaf", "bane", "root"],
    "king": ["ric", "mund", "vald", "helm"],
    "town": ["ford", "wick", "stead", "mere"],
    "port": ["haven", "mouth", "quay", "sund"],
}

IN_TASKS = frozenset(
    "brother done fame game heron home lemon make makes more nine none rose vendor were".split()
)
"""Words of the instructions that `NameMaker` could invent; as names they would leak."""


class NameMaker:
    """Invents pronounceable names that differ from each other and from the words in use."""

    def __init__(self, rng: np.random.Generator, taken: set[str]):
        self.rng, self.taken = rng, set(taken)

    def _part(self, options: list[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def name(self, kind: str | None = None) -> str:
        """A new name; `kind` selects a family of endings (`ENDINGS`)."""
        while True:
            stem = self._part(ONSETS) + self._part(VOWELS) + self._part(CODAS)
            tail = (
                self._part(ENDINGS[kind])
                if kind
                else self._part(VOWELS[:5]) + self._part(["", "l", "n", "r", "s"])
            )
            name = stem + tail
            if name not in self.taken:
                self.taken.add(name)
                return name

    def names(self, count: int, kind: str | None = None) -> list[str]:
        """`count` new names."""
        return [self.name(kind) for _ in range(count)]


ATTACHED = {".", ",", "?", "!", ":", ";"}
ENDERS = {".", "?", "!", ":"}


def joined(text: str) -> str:
    """Token form with punctuation attached to the word before it; case unchanged."""
    out: list[str] = []
    for token in text.split():
        if token in ATTACHED and out:
            out[-1] += token
        else:
            out.append(token)
    return " ".join(out)


def written(text: str, names: set[str]) -> str:
    """Token form in ordinary spelling: capitals for sentence starts and names, no stray blanks."""
    out: list[str] = []
    start = True
    for token in text.split():
        out.append(token.capitalize() if start or token in names or token == "i" else token)
        start = token in ENDERS
    return joined(" ".join(out))


def mid_sentence(text: str, names: set[str]) -> str:
    """Like `written`, for a continuation that does not start a sentence."""
    return written("x " + text, names)[2:]


def token_form(text: str) -> str:
    """Ordinary spelling back to token form, as the tokenizer splits it."""
    for mark in ATTACHED:
        text = text.replace(mark, f" {mark} ")
    return " ".join(text.lower().split())


LEAD_INS = (
    "well ,",
    "so ,",
    "now tell me :",
    "i want to know :",
    "let us see :",
    "think again ,",
    "you may ask this :",
    "we heard that",
    "the story says :",
    "remember now ,",
    "here is the question :",
    "and then ,",
)
HELD_OUT = "let us think :"
HELD_OUT_PHRASE = "let us think"


def lead_in(rng: np.random.Generator, most: int = 2) -> str:
    """0 to `most` lead-ins in token form: an empty string, or text that ends in a space."""
    count = int(rng.integers(0, most + 1))
    return "".join(LEAD_INS[i] + " " for i in rng.integers(len(LEAD_INS), size=count))


def asked_keys(rng: np.random.Generator, keys, values, count: int = 3) -> str:
    """`count` keys in random order, each before its value; the answer starts at the first value.

    Several answers per passage give three times as much to learn from the same reading.
    """
    chosen = rng.permutation(len(keys))[:count]
    first, *rest = (f"{keys[i]} {'=> ' if n == 0 else ''}{values[i]}" for n, i in enumerate(chosen))
    return " , ".join([first, *rest])
