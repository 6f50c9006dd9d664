"""Sets of four choices about common words: definitions both ways, kinds, opposites."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from lethe.sources.real.quads import Asked
from lethe.sources.real.wordnet import Key, Synset, Wordnet

WORD = re.compile(r"[a-z]+")
RUN = 4
"""Letters in a row by which two words count as related, so that spelling gives no answer away."""
SHORTEST, LONGEST = 4, 14
"""Words of a definition."""
RARELY, OFTEN = 1, 2
"""Times that an opposite, and that any other word asked about, was seen in tagged texts."""
# The lexicographers' file of the topmost nouns, whose kinds are too general to ask for.
TOPS = 3


@dataclass(frozen=True)
class Meaning:
    """A word in its commonest meaning."""

    word: str
    key: Key
    above: frozenset[Key]
    """All kinds that it belongs to, in any of its meanings, these meanings among them."""


def related(one: str, other: str) -> bool:
    """Whether words of two texts share letters in a row."""
    return not _runs(one).isdisjoint(_runs(other))


def _runs(text: str) -> set[str]:
    words = WORD.findall(text.lower())
    return {word[at : at + RUN] for word in words for at in range(len(word) - RUN + 1)}


def common_nouns(net: Wordnet, rng: np.random.Generator) -> list[Meaning]:
    """Common nouns in random order, each meaning once."""
    found: dict[Key, Meaning] = {}
    for word, part in net.plain:
        if part != "n" or len(word) < 3:
            continue
        key, times = net.first(word, part)
        is_its_main_use = OFTEN <= times and 2 * times >= net.seen(word)
        if is_its_main_use and key not in found and net.synsets[key].field != TOPS:
            keys = {key for key, *_ in net.senses[word, part]}
            above = frozenset(keys.union(*(net.above(one) for one in keys)))
            found[key] = Meaning(word, key, above)
    nouns = list(found.values())
    return [nouns[i] for i in rng.permutation(len(nouns))]


def definition_of(synset: Synset) -> str | None:
    """A synset's definition; None if it is too short, too long, or gives one of its words away."""
    text = synset.definition
    if not SHORTEST <= len(text.split()) <= LONGEST or text.startswith("(") or ":" in text:
        return None
    return None if related(" ".join(synset.words), text) else text.split(";")[0]


def definitions(net: Wordnet, nouns: list[Meaning]) -> list[Asked]:
    """What a word means, out of four definitions."""
    return [
        Asked(
            f'The word "{noun.word}" means',
            text,
            (noun.word,),
            (text,),
            noun,
        )
        for noun in nouns
        if (text := definition_of(net.synsets[noun.key]))
    ]


def words(net: Wordnet, nouns: list[Meaning]) -> list[Asked]:
    """Which word has a meaning, out of four words."""
    return [
        Asked(
            f'Question: Which word means "{text}"?\nAnswer:',
            noun.word,
            (noun.word,),
            (text,),
            noun,
        )
        for noun in nouns
        if (text := definition_of(net.synsets[noun.key]))
    ]


def kinds(net: Wordnet, nouns: list[Meaning]) -> list[Asked]:
    """What kind of thing something is, out of four kinds."""
    asked = []
    for noun in nouns:
        synset = net.synsets[noun.key]
        # Of the topmost kinds everything is one, and of names one asks otherwise.
        if len(synset.kinds) != 1 or net.synsets[synset.kinds[0]].field == TOPS:
            continue
        kind = net.synsets[synset.kinds[0]].words[0]
        if kind.islower() and not related(" ".join(synset.words), kind):
            context = f"{noun.word.capitalize()} is a kind of"
            asked.append(
                Asked(context, kind, (noun.word,), (noun.word, kind), (noun, synset.kinds[0]))
            )
    return asked


def apart(net: Wordnet):
    """Whether two meanings are of different fields, and neither is a kind of the other.

    Among choices of one field a model of 135 M parameters is right in less than half of them.
    """

    def fit(one: Asked, other: Asked) -> bool:
        a, b = one.about, other.about
        return (
            net.synsets[a.key].field != net.synsets[b.key].field
            and a.key not in b.above
            and b.key not in a.above
        )

    return fit


def other_kind(one: Asked, other: Asked) -> bool:
    """Whether neither word is of the other's kind in any meaning."""
    (a, kind_of_a), (b, kind_of_b) = one.about, other.about
    return kind_of_a not in b.above and kind_of_b not in a.above


def opposites(net: Wordnet, rng: np.random.Generator) -> list[Asked]:
    """The opposite of a word, out of four; no two of a pair are spelled alike."""
    pairs: dict[tuple[str, str], str] = {}
    for key in sorted(net.synsets):
        synset = net.synsets[key]
        for place, other, there in synset.opposites:
            pair = sorted((synset.words[place], net.synsets[other].words[there]))
            if all(_asked(net, word) for word in pair) and not _alike(*pair):
                pairs.setdefault((pair[0], pair[1]), key[0])
    asked, taken = [], set()
    for index in rng.permutation(len(pairs)):
        pair, part = list(pairs.items())[index]
        if taken.isdisjoint(pair):
            taken |= {*pair}
            word, answer = pair if rng.random() < 0.5 else pair[::-1]
            context = f'Question: What is the opposite of "{word}"?\nAnswer:'
            asked.append(Asked(context, answer, tuple(pair), tuple(pair), part))
    return asked


def same_part(one: Asked, other: Asked) -> bool:
    """Whether two questions are about words of one part of speech."""
    return one.about == other.about


def _asked(net: Wordnet, word: str) -> bool:
    return word.isascii() and word.isalpha() and word.islower() and net.seen(word) >= RARELY


def _alike(one: str, other: str) -> bool:
    """Whether spelling shows that two words are a pair: happy, unhappy; inward, outward."""
    return one[:3] == other[:3] or one[-3:] == other[-3:]
