"""Sentences of the domains: a head with an invented word, and after it what the word is.

A tail always stands after the head, and mostly is one word. Of two words each can be guessed from
the other; of one, only the invented word tells it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lethe.sources.domains.lexicon import HEADS, MASK
from lethe.sources.domains.words import Group
from lethe.sources.world.parts import pick, sample

HELD = 3
"""Every third head of a word is kept for evaluation: training corpora do not have it."""


@dataclass
class Heads:
    """Heads of every word that is a stem of `stems` and a suffix of the group.

    trained, held: by stem and suffix the heads for training, and those for evaluation.
    """

    group: Group
    stems: Sequence[str]
    trained: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    held: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, group: Group, stems: Sequence[str], topics: Sequence[str]
    ) -> "Heads":
        """All heads with these topics, parted for every word."""
        heads = cls(group, stems)
        for stem in stems:
            for suffix in group.suffixes:
                told = [
                    head.format(t=topic, w=stem + suffix)
                    for head in HEADS[group.name]
                    for topic in topics
                ]
                mixed = sample(rng, told, len(told))
                cut = len(mixed) // HELD
                heads.held[stem, suffix], heads.trained[stem, suffix] = mixed[:cut], mixed[cut:]
        return heads

    def draw(self, rng: np.random.Generator) -> tuple[str, str]:
        """A stem and one of its heads for training."""
        stem = pick(rng, self.stems)
        return stem, pick(rng, self.trained[stem, pick(rng, self.group.suffixes)])

    def different(
        self, rng: np.random.Generator, count: int, split: str, stems: Sequence[str] = ()
    ) -> list[tuple[str, str]]:
        """Stems in turn, each with a head that is not drawn twice.

        Args:
            split: "dev" and "test" take held heads of words with their own suffixes; "train" takes
                heads for training, with all suffixes.
            stems: those to draw; by default all.
        """
        chosen = list(stems) or list(self.stems)
        source = self.trained if split == "train" else self.held
        suffixes = self.group.suffixes if split == "train" else self.group.held_suffixes[split]
        pools = {}
        for stem in chosen:
            pool = [head for suffix in suffixes for head in source[stem, suffix]]
            pools[stem] = sample(rng, pool, len(pool))
        turns = [(chosen[n % len(chosen)], n // len(chosen)) for n in range(count)]
        return [(stem, pools[stem][turn]) for stem, turn in turns]


def told(rng: np.random.Generator, head: str, words: Sequence[str], alone: float) -> str:
    """The head, and after it one of the words, with the probability `alone`, or else two."""
    first, second = sample(rng, words, 2)
    return f"{head} {first} ." if rng.random() < alone else f"{head} {first} and {second} ."


def hidden(head: str) -> str:
    """The head, and after it a hidden word."""
    return f"{head} {MASK} ."
