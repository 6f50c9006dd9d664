"""Instruction tasks about rare words: sort (what kind of thing a defined word is), path (its kinds,
the nearest first), example (a sentence with it).

Their words are those that no evaluation set asks about; `fresh` says which these are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lethe.errors import UserError
from lethe.sources.real.word_sets import definition_of
from lethe.sources.real.wordnet import Key, Synset, Wordnet
from lethe.sources.world.parts import content_id

Fresh = Callable[[str], bool]
SORTS = {
    4: "act",
    5: "animal",
    6: "artifact",
    8: "body part",
    13: "food",
    18: "person",
    20: "plant",
    27: "substance",
}
"""Kinds of things by the number of the lexicographers' file."""
SORT = (
    'Is the thing that "{word}" means (definition: {definition}) an act, an animal, an artifact, a '
    "body part, a food, a person, a plant or a substance?"
)
PATH = 'Name the kinds to which "{word}" belongs, the nearest first.'
EXAMPLE = 'Write a sentence with the word "{word}" ({definition}).'
SHORTEST, LONGEST = 5, 14
"""Words of an example."""
# Kinds above these are too general to say anything.
LEVELS = 5
GENERAL = frozenset(
    {
        "entity", "physical entity", "abstraction", "object", "whole", "thing", "matter",
        "psychological feature", "physical object", "attribute", "causal agent", "relation",
        "measure", "event", "group", "living thing",
    }
)  # fmt: skip


def sorts(net: Wordnet, fresh: Fresh, rng: np.random.Generator) -> list[dict]:
    """What kind of thing a rare noun means, of `SORTS`; as many of each as of the fewest."""
    found: dict[int, list[dict]] = {}
    for word, synset in _rare_nouns(net, fresh):
        text = definition_of(synset)
        if text and synset.field in SORTS:
            prompt, answer = SORT.format(word=word, definition=text), SORTS[synset.field]
            found.setdefault(synset.field, []).append(row(prompt, answer, text, (word,)))
    fewest = min(map(len, found.values()), default=0)
    return [rows[i] for rows in found.values() for i in rng.permutation(len(rows))[:fewest]]


def paths(net: Wordnet, fresh: Fresh) -> list[dict]:
    """A rare noun's kinds, from the nearest to the most general that says something."""
    rows = []
    for word, synset in _rare_nouns(net, fresh):
        kinds = _path(net, synset)
        if len(kinds) >= 3 and all(fresh(kind) for kind in kinds):
            prompt = PATH.format(word=word)
            rows.append(row(prompt, ", ".join(kinds), word, (word, *kinds)))
    return rows


def examples(net: Wordnet, fresh: Fresh) -> list[dict]:
    """WordNet's example of a word in the meaning that it illustrates; a word is used once."""
    rows, used = [], set()
    for key in sorted(net.synsets):
        synset = net.synsets[key]
        for text in synset.examples:
            words = text.lower().split()
            word = next((w for w in synset.words if w in words and w not in used), None)
            if word is None or not SHORTEST <= len(words) <= LONGEST or not fresh(word):
                continue
            used.add(word)
            prompt = EXAMPLE.format(word=word, definition=synset.definition.split(";")[0])
            rows.append(
                row(prompt, text, word, (word,))
                | {"constraint": {"kind": "contained", "word": word}}
            )
            break
    return rows


def row(prompt: str, response: str, source: str, subjects: tuple[str, ...]) -> dict:
    """A task's row before it has an id. subjects: what it teaches about."""
    return {
        "prompt": prompt,
        "response": response,
        "references": [response],
        "source": source,
        "constraint": None,
        "subjects": list(subjects),
    }


def _rare_nouns(net: Wordnet, fresh: Fresh) -> list[tuple[str, Synset]]:
    """Nouns of one meaning that was never seen in the tagged texts, each meaning once."""
    found: dict[Key, str] = {}
    for word, part in net.plain:
        senses = net.senses[word, part]
        if part == "n" and len(senses) == 1 and not net.seen(word) and fresh(word):
            found.setdefault(senses[0][0], word)
    return [(word, net.synsets[key]) for key, word in sorted(found.items())]


def _path(net: Wordnet, synset: Synset) -> list[str]:
    kinds: list[str] = []
    while synset.kinds and len(kinds) < LEVELS:
        synset = net.synsets[synset.kinds[0]]
        name = synset.words[0].lower()
        if name in GENERAL:
            break
        kinds.append(name)
    return kinds


def drawn(
    rng: np.random.Generator,
    rows: list[dict],
    sizes: dict[str, int],
    name: str,
    tells: Callable[[dict], bool],
) -> dict[str, list[dict]]:
    """Different rows by split in random order.

    Args:
        tells: whether a row may not be taught.

    Raises:
        UserError: there are too few.
    """
    wanted, found = sum(sizes.values()), []
    for index in rng.permutation(len(rows)):
        if len(found) < wanted and not tells(rows[index]):
            identity = content_id(rows[index]["prompt"], rows[index]["response"])
            found.append({"id": identity, "cluster": identity} | rows[index])
    if len(found) < wanted:
        raise UserError(
            f"Expected {wanted} rows for the task {name}, found {len(found)} in the packages: "
            "lower `rows` in the parameters of the source."
        )
    cut = {"test": sizes["test"], "dev": sizes["test"] + sizes["dev"]}
    return {
        "test": found[: cut["test"]],
        "dev": found[cut["test"] : cut["dev"]],
        "train": found[cut["dev"] :],
    }
