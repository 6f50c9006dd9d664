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


class NameMaker:
    """Invents pronounceable names that are unlike each other and unlike the words in use."""

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
            made = stem + tail
            if made not in self.taken:
                self.taken.add(made)
                return made

    def names(self, count: int, kind: str | None = None) -> list[str]:
        """`count` new names."""
        return [self.name(kind) for _ in range(count)]
