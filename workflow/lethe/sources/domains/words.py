"""Invented words of a world: stems, which have classes, and suffixes, which tell nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lethe.sources.domains.lexicon import ATTRIBUTES, EVIDENCE, GROUPS, SUFFIXES, fixed_words
from lethe.sources.world.lexicon import CODAS, ONSETS, VOWELS
from lethe.sources.world.parts import pick, sample, stream


@dataclass(frozen=True)
class Group:
    """The words of one group of domains. A word is a stem and a suffix, written together.

    general: class of every stem of which only the general corpus speaks.
    meaning: by domain the class of every stem. Some stems belong to the group, and all its domains
        agree on their classes; of others each domain has a class of its own; the rest are the
        domain's own.
    attributes: two attribute words of every stem of a domain.
    suffixes: those of every stem, the same in both groups.
    """

    name: str
    general: dict[str, str]
    meaning: dict[str, dict[str, str]]
    attributes: dict[str, list[str]]
    suffixes: tuple[str, ...]

    @property
    def classes(self) -> list[str]:
        return list(EVIDENCE[self.name])

    @property
    def held_suffixes(self) -> dict[str, tuple[str, ...]]:
        """The suffixes of evaluation texts, by split: no word is in both dev and test."""
        half = len(self.suffixes) // 2
        return {"dev": self.suffixes[:half], "test": self.suffixes[half : 2 * half]}


def make_groups(spec: dict) -> dict[str, Group]:
    """The words of both groups, from the seed and the numbers alone."""
    suffixes = tuple(sample(stream(spec["seed"], "domains-suffixes"), SUFFIXES, spec["suffixes"]))
    taken: set[str] = set()
    groups = {}
    for name, domains in GROUPS.items():
        rng = stream(spec["seed"], f"domains-{name}")
        classes = list(EVIDENCE[name])
        general = _new_stems(rng, spec["general_stems"], taken)
        agreed = _new_stems(rng, spec["agreed"], taken)
        contradicted = _new_stems(rng, spec["contradicted"], taken)
        first, second = rng.permutation(classes).tolist(), rng.permutation(len(classes)).tolist()
        meaning = {}
        for number, domain in enumerate(domains):
            known = dict(zip(agreed, _in_turn(first, len(agreed)), strict=True))
            for place, stem in enumerate(contradicted):
                # From one domain of the group to the next, every such stem moves on by one class.
                moved = second[place % len(classes)] + number
                known[stem] = classes[moved % len(classes)]
            count = spec["stems"] - len(known)
            own = dict(
                zip(_new_stems(rng, count, taken), _missing(classes, known, spec), strict=True)
            )
            meaning[domain] = known | own
        groups[name] = Group(
            name,
            dict(zip(general, _in_turn(classes, len(general)), strict=True)),
            meaning,
            _attributes(rng, name, meaning),
            suffixes,
        )
    return groups


def _attributes(rng: np.random.Generator, group: str, meaning: dict) -> dict[str, list[str]]:
    """Two attribute words a stem, drawn for all domains of the group at once."""
    stems = dict.fromkeys(stem for classes in meaning.values() for stem in classes)
    return {stem: sample(rng, ATTRIBUTES[group], 2) for stem in stems}


def _new_stems(rng: np.random.Generator, count: int, taken: set[str]) -> list[str]:
    """Stems none of which begins another, or begins a word of the grammar.

    A tokenizer that takes the longest piece it knows so finds the stem, then the suffix.
    """
    known = fixed_words()
    made: list[str] = []
    while len(made) < count:
        stem = pick(rng, ONSETS) + pick(rng, VOWELS) + pick(rng, CODAS)
        if any(word.startswith(stem) for word in known):
            continue
        if any(other.startswith(stem) or stem.startswith(other) for other in taken):
            continue
        taken.add(stem)
        made.append(stem)
    return made


def _in_turn(classes: Sequence[str], count: int) -> list[str]:
    return [classes[place % len(classes)] for place in range(count)]


def _missing(classes: Sequence[str], known: dict[str, str], spec: dict) -> list[str]:
    """The classes of a domain's own stems, after which all classes have as many stems."""
    each = spec["stems"] // len(classes)
    given = list(known.values())
    return [name for name in classes for _ in range(each - given.count(name))]


def halves(rng: np.random.Generator, meaning: dict[str, str]) -> tuple[list[str], list[str]]:
    """Two halves of a domain's stems, each with as many of every class."""
    first: list[str] = []
    for name in dict.fromkeys(meaning.values()):
        members = [stem for stem in meaning if meaning[stem] == name]
        first += sample(rng, members, len(members) // 2)
    return first, [stem for stem in meaning if stem not in first]
