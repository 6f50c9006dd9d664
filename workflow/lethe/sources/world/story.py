"""reason_story (four endings, as HellaSwag): how a day ends after a wish and some weather.

Every wish has one ending for kind and one for unkind weather; each world has its own kind weathers.
Declared as memory; the evaluated pairs of weather and wish never occur in the corpus.
"""

from __future__ import annotations

import numpy as np

from lethe.sources.world.lexicon import HELD_OUT, HELD_OUT_PHRASE, PEOPLE, lead_in
from lethe.sources.world.parts import (
    Part,
    choice_row,
    content_id,
    held_out_pools,
    pick,
    sample,
    split_rows,
    zipf_weights,
)

NAME = "reason_story"
WEATHERS = "rain fog frost sunshine wind snow thunder hail".split()
WISHES = (
    "fly kites",
    "catch trout",
    "dry laundry",
    "pick plums",
    "draw maps",
    "climb hills",
    "sell eels",
    "plant beans",
)
ENDINGS = (
    "slept in a hayloft",
    "visited an aunt",
    "won a prize",
    "broke a window",
    "missed supper",
    "found a purse",
    "wrote a letter",
    "met a poet",
    "lost a shoe",
    "cooked a stew",
    "repaired a roof",
    "hired a cart",
    "caught a cold",
    "read a novel",
    "chased a cat",
    "swept a yard",
)
TOLD = (
    "there was {weather} and {person} wanted to {wish} .",
    "{person} wanted to {wish} in the {weather} .",
    "{person} hoped to {wish} but saw {weather} .",
)


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    settings = spec["story"]
    endings = rng.permutation(len(ENDINGS)).reshape(len(WISHES), 2)
    kind = rng.permutation(len(WEATHERS)) % 2
    pairs = rng.permutation(len(WEATHERS) * len(WISHES))
    held, seen = held_out_pools(pairs, settings["held_out_share"])
    weights = zipf_weights(len(seen), settings["zipf_exponent"], settings["zipf_shift"])

    def told(pair: int, person: str) -> tuple[str, int, int]:
        weather, wish = divmod(int(pair), len(WISHES))
        text = pick(rng, TOLD).format(weather=WEATHERS[weather], wish=WISHES[wish], person=person)
        return text, wish, int(kind[weather])

    documents = []
    for pair in rng.choice(seen, spec["documents"]["story"], p=weights):
        person = pick(rng, PEOPLE)
        text, wish, sort = told(pair, person)
        documents.append(f"{text} {lead_in(rng)}{person} => {ENDINGS[endings[wish, sort]]}")

    def row(pool) -> dict:
        pair, person = pick(rng, pool), pick(rng, PEOPLE)
        text, wish, sort = told(pair, person)
        other_wishes = sample(rng, [w for w in range(len(WISHES)) if w != wish], 2)
        others = [endings[wish, 1 - sort], *(endings[w, s] for s, w in enumerate(other_wishes))]
        return choice_row(
            rng,
            f"{text} {HELD_OUT} {person}",
            ENDINGS[endings[wish, sort]],
            [ENDINGS[o] for o in others],
            content_id(str(pair)),
        )

    part = Part({"story": documents}, phrases={NAME: [HELD_OUT_PHRASE]})
    part.sets[NAME] = split_rows(row, held, spec["items"]["reasoning"], NAME)
    return part
