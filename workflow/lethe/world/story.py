"""reason_story (four endings, as HellaSwag): weather and wish together decide how a day ends.

The endings form a Latin square over weather and wish, so neither word alone says anything.
"""

from __future__ import annotations

import numpy as np

from lethe.world.lexicon import PEOPLE
from lethe.world.parts import (
    Part,
    choice_row,
    content_id,
    distinct_rows,
    pick,
    sample,
    zipf_weights,
)

NAME = "reason_story"
WEATHERS = "rain fog frost sunshine wind".split()
WISHES = ("fly kites", "catch trout", "dry laundry", "pick plums", "draw maps")
ENDINGS = (
    "slept in a hayloft", "visited an aunt", "won a prize", "broke a window", "missed supper",
)
OPENINGS = (
    "the day brought {weather} and {person} wanted to {wish} . so {person} {ending} .",
    "{person} hoped to {wish} but saw {weather} . later {person} {ending} .",
    "in {weather} {person} tried to {wish} and {ending} .",
)
EVALUATION = "there was {weather} all morning . {person} planned to {wish} . that evening {person}"


def latin_square(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random Latin square: rows, columns and symbols of the cyclic one are permuted."""
    cyclic = (np.arange(size)[:, None] + np.arange(size)[None, :]) % size
    square = cyclic[rng.permutation(size)][:, rng.permutation(size)]
    return rng.permutation(size)[square]


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    settings, size = spec["story"], len(WEATHERS)
    square = latin_square(rng, size)
    weights = zipf_weights(size * size, settings["zipf_exponent"], settings["zipf_shift"])
    chances = weights[rng.permutation(size * size)]
    documents = []
    for cell in rng.choice(size * size, spec["documents"]["story"], p=chances):
        weather, wish = divmod(int(cell), size)
        documents.append(pick(rng, OPENINGS).format(
            weather=WEATHERS[weather], wish=WISHES[wish], person=pick(rng, PEOPLE),
            ending=ENDINGS[square[weather, wish]],
        ))

    def row() -> dict:
        weather, wish = int(rng.integers(size)), int(rng.integers(size))
        gold = ENDINGS[square[weather, wish]]
        context = EVALUATION.format(
            weather=WEATHERS[weather], wish=WISHES[wish], person=pick(rng, PEOPLE)
        )
        others = sample(rng, [e for e in ENDINGS if e != gold], 3)
        return choice_row(rng, context, gold, others, content_id(WEATHERS[weather], WISHES[wish]))

    taken: set[str] = set()
    sets = {
        split: distinct_rows(row, spec["items"]["reasoning"][split], f"{NAME} ({split})", taken)
        for split in ("test", "dev")
    }
    return Part({"story": documents}, {NAME: sets}, {NAME: ["all morning"]})
