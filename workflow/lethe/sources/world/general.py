"""General instructions of many kinds, the miniature's Alpaca (Taori et al. 2023).

Stages mix them in, and a base is instruction-tuned on them before a sequence. They have their own
words, ask nothing that an evaluation set or another task asks, and are not evaluated.
"""

from __future__ import annotations

from itertools import cycle

import numpy as np

from lethe.sources.world.instruction import finished
from lethe.sources.world.parts import distinct_rows, pick, sample, stream

KINDS = {
    "fruit": "apple banana cherry grape lemon mango".split(),
    "bird": "robin heron sparrow raven parrot pelican".split(),
    "flower": "rose tulip daisy lilac poppy orchid".split(),
    "insect": "locust bumblebee ladybird cricket hornet termite".split(),
}
COUNTABLE = ("fruit", "bird")
OPPOSITES = (
    "hot/icy loud/quiet long/short heavy/light thick/thin hard/soft bright/dim full/empty"
).split()
NUMBERS = "five six seven eight nine ten eleven twelve".split()

REPEAT = ("copy these words : {text} . copy :", "write exactly {text} . written :")
REVERSE = ("turn the list around : {text} . reversed :", "list {text} backwards . backwards :")
PLACE = {
    0: ("which word comes first in {text} ? first word :", "list : {text} . its first word :"),
    -1: ("which word comes last in {text} ? last word :", "list : {text} . its last word :"),
}
ODD = ("which word does not belong : {text} . odd word :", "find the odd word in {text} . odd :")
OPPOSITE = ("give the opposites of {text} . opposites :", "not {text} but :")
PLURAL = ("write in the plural : {text} . plural :", "more than {text} means many :")
SORT = ("sort from small to large : {text} . sorted :", "put {text} in rising order . order :")
KIND = ("fill the gap : {text} is a kind of", "what kind of thing is {text} ? kind :")


def _words(rng: np.random.Generator, count: int) -> list[str]:
    return sample(rng, [word for words in KINDS.values() for word in words], count)


def repeat(rng: np.random.Generator):
    """A list of words, repeated."""
    words = " ".join(_words(rng, 2 + int(rng.integers(3))))
    return REPEAT, words, words


def reverse(rng: np.random.Generator):
    """A list of words, from the last to the first."""
    words = _words(rng, 2 + int(rng.integers(2)))
    return REVERSE, " ".join(words), " ".join(words[::-1])


def place(rng: np.random.Generator):
    """The first or the last word of a list."""
    words, end = _words(rng, 3 + int(rng.integers(2))), pick(rng, list(PLACE))
    return PLACE[end], " ".join(words), words[end]


def odd(rng: np.random.Generator):
    """The one word of a different kind among four."""
    many, other = sample(rng, list(KINDS), 2)
    stranger = pick(rng, KINDS[other])
    words = sample(rng, [stranger, *sample(rng, KINDS[many], 3)], 4)
    return ODD, " ".join(words), stranger


def opposite(rng: np.random.Generator):
    """The opposites of two adjectives, in their order."""
    pairs = [sample(rng, pair.split("/"), 2) for pair in sample(rng, OPPOSITES, 2)]
    return OPPOSITE, *(" and ".join(words) for words in zip(*pairs, strict=True))


def plural(rng: np.random.Generator):
    """The plurals of two nouns."""
    nouns = sample(rng, [noun for kind in COUNTABLE for noun in KINDS[kind]], 2)
    many = [noun[:-1] + "ies" if noun.endswith("y") else f"{noun}s" for noun in nouns]
    return PLURAL, " and ".join(f"one {noun}" for noun in nouns), " and ".join(many)


def sort(rng: np.random.Generator):
    """Three numbers in rising order."""
    places = [int(n) for n in rng.permutation(len(NUMBERS))[:3]]
    shown, rising = ([NUMBERS[n] for n in order] for order in (places, sorted(places)))
    return SORT, " ".join(shown), " ".join(rising)


def kind(rng: np.random.Generator):
    """The kind that two words belong to."""
    name = pick(rng, list(KINDS))
    return KIND, " or ".join(sample(rng, KINDS[name], 2)), name


INSTRUCTIONS = (repeat, reverse, place, odd, opposite, plural, sort, kind)


def instruction(rng: np.random.Generator, make) -> dict:
    """One instruction in token form: `prompt`, `response`, `source`."""
    templates, text, response = make(rng)
    prompt = pick(rng, templates).format(text=text)
    return {"prompt": prompt, "response": response, "source": prompt}


def generate_general(spec: dict, names: set[str]) -> dict[str, list[dict]]:
    """Rows by split, the kinds in turn; no instruction is in two splits."""
    rng, taken, turns = stream(spec["seed"], "task-general"), set(), cycle(INSTRUCTIONS)
    return {
        split: distinct_rows(
            lambda: finished(instruction(rng, next(turns)), names),
            spec["items"]["general"][split],
            f"general ({split})",
            taken,
        )
        for split in ("test", "dev", "train")
    }
