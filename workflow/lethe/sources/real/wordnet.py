"""Princeton WordNet's database files, as its manual pages wndb(5WN) and senseidx(5WN) define them.

Only what the sets and tasks need is read: words, glosses, kinds of a synset, antonyms, and how
often a word was seen in each sense in the texts that were tagged by hand.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from lethe.errors import shown
from lethe.sources.real.packages import Part

FILES = {"n": "data.noun", "v": "data.verb", "a": "data.adj", "r": "data.adv"}
KIND_OF, INSTANCE_OF, OPPOSITE = "@", "@i", "!"
# A gloss is a definition, then quoted examples; each may be missing.
EXAMPLE = re.compile(r'"([^"]+)"')
MARKED = re.compile(r"\((?:p|a|ip)\)$")
"""The syntactic marker of an adjective, which is no part of the word."""

LINKED = "a synset that is in the files of WordNet"

Key = tuple[str, str]
"""Part of speech and offset of a synset."""


@dataclass(frozen=True)
class Synset:
    """One meaning. words: its words, `_` read as a blank. field: the lexicographers' file."""

    key: Key
    field: int
    words: tuple[str, ...]
    definition: str
    examples: tuple[str, ...]
    kinds: tuple[Key, ...]
    opposites: tuple[tuple[int, Key, int], ...]
    """(place of a word here, other synset, place of its opposite there); places from 0."""


@dataclass
class Wordnet:
    """synsets: by key. senses: (synset, number of the sense from 1, times seen) by (word, part)."""

    synsets: dict[Key, Synset] = field(default_factory=dict)
    senses: dict[tuple[str, str], list[tuple[Key, int, int]]] = field(default_factory=dict)

    def seen(self, word: str) -> int:
        """How often a word was seen in the tagged texts, in all its senses and parts of speech."""
        return sum(times for part in FILES for *_, times in self.senses.get((word, part), ()))

    def first(self, word: str, part: str) -> tuple[Key, int] | None:
        """A word's commonest synset and how often it was seen in it; None: no such word."""
        senses = self.senses.get((word, part))
        if not senses:
            return None
        key, _, times = min(senses, key=lambda sense: sense[1])
        return key, times

    def above(self, key: Key) -> set[Key]:
        """All synsets of which this one is a kind, itself not among them."""
        found: set[Key] = set()
        ahead = list(self.synsets[key].kinds)
        while ahead:
            other = ahead.pop()
            if other not in found:
                found.add(other)
                ahead += self.synsets[other].kinds
        return found

    @cached_property
    def plain(self) -> list[tuple[str, str]]:
        """(word, part of speech) of every word of small letters only, in order."""
        return sorted(pair for pair in self.senses if pair[0].isascii() and pair[0].isalpha())


def read_wordnet(part: Part) -> Wordnet:
    """The database in a package: data.noun, data.verb, data.adj, data.adv and index.sense.

    Raises:
        UserError: a file is missing, is not one of WordNet's, or names a synset that is in none.
    """
    net, links = Wordnet(), []
    for letter, name in FILES.items():
        path = part.file(name)
        for number, line in part.lines(path):
            # The licence stands at the top, every line of it indented.
            if not line.startswith("  "):
                synset = _read(part, path, number, line, "a synset", partial(_synset, letter))
                net.synsets[synset.key] = synset
                links.append((path, number, synset))
    for path, number, synset in links:
        if found := _not_there(net, synset):
            raise part.wrong(path, LINKED, found, number)
    net.senses = _senses(part, net)
    return net


def _senses(part: Part, net: Wordnet) -> dict[tuple[str, str], list[tuple[Key, int, int]]]:
    senses = defaultdict(list)
    path = part.file("index.sense")
    for line_number, line in part.lines(path):
        lemma, key, number, times = _read(part, path, line_number, line, "a sense", _sense)
        if key not in net.synsets:
            raise part.wrong(path, LINKED, _named(key), line_number)
        word = next((w for w in net.synsets[key].words if w.lower() == lemma), None)
        # A word with a capital is a name, and no word of the sets.
        if word == lemma:
            senses[word, key[0]].append((key, number, times))
    return dict(senses)


def _read(part: Part, path: Path, number: int, line: str, what: str, parse: Callable):
    try:
        return parse(line)
    except (ValueError, IndexError, KeyError):
        raise part.wrong(path, f"{what} of WordNet", (line,), number) from None


def _not_there(net: Wordnet, synset: Synset) -> str | None:
    """The first synset, or word of one, that a synset names and that does not exist, in words."""
    for other in (*synset.kinds, *(key for _, key, _ in synset.opposites)):
        if other not in net.synsets:
            return _named(other)
    for place, key, there in synset.opposites:
        other = net.synsets[key]
        if place not in range(len(synset.words)) or there not in range(len(other.words)):
            return f"the opposite of a word that it or {_named(key)} does not have"
    return None


def _named(key: Key) -> str:
    part, offset = key
    return f"{shown(offset)} of {FILES.get(part, shown(part))}"


def _synset(part: str, line: str) -> Synset:
    data, _, gloss = line.partition("|")
    offset, lexical, _, count, *rest = data.split()
    size = int(count, 16)
    words = tuple(MARKED.sub("", w).replace("_", " ") for w in rest[: 2 * size : 2])
    links = int(rest[2 * size])
    fields = rest[2 * size + 1 : 2 * size + 1 + 4 * links]
    if not words or len(fields) != 4 * links:
        raise ValueError
    pointers = [fields[at : at + 4] for at in range(0, 4 * links, 4)]
    kinds = tuple(_key(p, o) for s, o, p, _ in pointers if s in (KIND_OF, INSTANCE_OF))
    opposites = tuple(
        (int(ends[:2], 16) - 1, _key(p, o), int(ends[2:], 16) - 1)
        for s, o, p, ends in pointers
        if s == OPPOSITE
    )
    return Synset(
        (part, offset), int(lexical), words, _definition(gloss), _examples(gloss), kinds, opposites
    )


def _key(part: str, offset: str) -> Key:
    # Satellites of adjectives lie in the adjectives' file.
    return ("a" if part == "s" else part, offset)


def _definition(gloss: str) -> str:
    return gloss.partition('"')[0].strip().rstrip(";").strip()


def _examples(gloss: str) -> tuple[str, ...]:
    return tuple(" ".join(found.split()) for found in EXAMPLE.findall(gloss))


def _sense(line: str) -> tuple[str, Key, int, int]:
    """Word, synset, number of the sense and times seen, of a line of index.sense."""
    sense, offset, number, times = line.split()
    lemma, _, code = sense.partition("%")
    part = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}[code[0]]
    return lemma.replace("_", " "), (part, offset), int(number), int(times)
