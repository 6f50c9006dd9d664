"""Princeton WordNet's database files, as its manual pages wndb(5WN) and senseidx(5WN) define them.

Only what the sets and tasks need is read: words, glosses, kinds of a synset, antonyms, and how
often a word was seen in each sense in the texts that were tagged by hand.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lethe.errors import UserError
from lethe.sources.real.packages import files_named

FILES = {"n": "data.noun", "v": "data.verb", "a": "data.adj", "r": "data.adv"}
KIND_OF, INSTANCE_OF, OPPOSITE = "@", "@i", "!"
# A gloss is a definition, then quoted examples; each may be missing.
EXAMPLE = re.compile(r'"([^"]+)"')
MARKED = re.compile(r"\((?:p|a|ip)\)$")
"""The syntactic marker of an adjective, which is no part of the word."""

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


def read_wordnet(folder: Path) -> Wordnet:
    """The database under a folder: data.noun, data.verb, data.adj, data.adv and index.sense.

    Raises:
        UserError: a file is missing, or is not one of WordNet's.
    """
    net = Wordnet()
    for part, name in FILES.items():
        (path, *_) = files_named(folder, name, "wordnet")
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                # The licence stands at the top, every line of it indented.
                if not line.startswith("  "):
                    synset = _synset(part, line, f"{path}, line {number}")
                    net.synsets[synset.key] = synset
    (path, *_) = files_named(folder, "index.sense", "wordnet")
    senses = defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            lemma, key, number, times = _sense(line)
            word = next((w for w in net.synsets[key].words if w.lower() == lemma), None)
            # A word with a capital is a name, and no word of the sets.
            if word == lemma:
                senses[word, key[0]].append((key, number, times))
    net.senses = dict(senses)
    return net


def _synset(part: str, line: str, where: str) -> Synset:
    data, _, gloss = line.partition("|")
    try:
        offset, lexical, _, count, *rest = data.split()
        size = int(count, 16)
        words = tuple(MARKED.sub("", w).replace("_", " ") for w in rest[: 2 * size : 2])
        links = int(rest[2 * size])
        fields = rest[2 * size + 1 : 2 * size + 1 + 4 * links]
        pointers = [fields[at : at + 4] for at in range(0, 4 * links, 4)]
        kinds = tuple(_key(p, o) for s, o, p, _ in pointers if s in (KIND_OF, INSTANCE_OF))
        opposites = tuple(
            (int(ends[:2], 16) - 1, _key(p, o), int(ends[2:], 16) - 1)
            for s, o, p, ends in pointers
            if s == OPPOSITE
        )
        key = (part, offset)
    except (ValueError, IndexError):
        raise UserError(f"{where}: expected a synset of WordNet, found {line[:60]!r}.") from None
    return Synset(key, int(lexical), words, _definition(gloss), _examples(gloss), kinds, opposites)


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
