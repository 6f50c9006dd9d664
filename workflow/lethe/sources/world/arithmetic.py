"""reason_arithmetic (four choices, as MathQA): a clock of five hours, counted in a circle.

The answers form a Latin square over hour and wait, so neither alone predicts the answer. A share of
the pairs never occurs in the corpus; all pairs are asked equally often.
"""

from __future__ import annotations

from itertools import cycle

import numpy as np

from lethe.sources.world.lexicon import HELD_OUT, HELD_OUT_PHRASE, PEOPLE, lead_in
from lethe.sources.world.parts import Part, choice_row, content_id, distinct_rows, pick, sample

NAME = "reason_arithmetic"
HOURS = "lauds prime terce nones vespers".split()
NUMBERS = "one two three four".split()
DOINGS = "waited slept walked sang dug swam".split()
TOLD = "at {a} {person} came and {doing} {b} hours ."
QUESTION = "the bell rings"
BARE = "{a} plus {b} rings"


def clock(hour: int, wait: int) -> int:
    """The hour, as an index from 0, that is shown `wait` + 1 hours after index `hour`."""
    return (hour + wait + 1) % len(HOURS)


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    settings = spec["arithmetic"]
    pairs = [(a, b) for a in range(len(HOURS)) for b in range(len(NUMBERS))]
    every = sample(rng, pairs, len(pairs))
    cut = int(round(settings["unseen_share"] * len(every)))
    seen, turns = every[cut:], cycle(every)

    def slots(a: int, b: int) -> dict[str, str]:
        return {
            "a": HOURS[a],
            "b": NUMBERS[b],
            "person": pick(rng, PEOPLE),
            "doing": pick(rng, DOINGS),
        }

    documents = []
    for number in range(spec["documents"]["arithmetic"]):
        # In turn, so that no word goes with an answer more often than another by chance.
        a, b = seen[number % len(seen)]
        if rng.random() < settings["bare_share"]:
            text = BARE.format(**slots(a, b))
        else:
            text = f"{TOLD.format(**slots(a, b))} {lead_in(rng)}{QUESTION}"
        documents.append(f"{text} => {HOURS[clock(a, b)]}")

    def row() -> dict:
        a, b = next(turns)
        gold = HOURS[clock(a, b)]
        context = f"{TOLD.format(**slots(a, b))} {HELD_OUT} {QUESTION}"
        # All other hours except the starting one, which no wait reaches, so it is never right.
        others = sample(rng, [n for n in HOURS if n not in (gold, HOURS[a])], 3)
        return choice_row(rng, context, gold, others, content_id(str((a, b))))

    taken: set[str] = set()
    sets = {
        split: distinct_rows(row, spec["items"]["reasoning"][split], f"{NAME} ({split})", taken)
        for split in ("test", "dev")
    }
    return Part({"arithmetic": documents}, {NAME: sets}, {NAME: [HELD_OUT_PHRASE]})
