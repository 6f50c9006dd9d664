"""reason_arithmetic (four choices, as MathQA): small sums and differences in words.

A share of the number pairs never occurs in the corpus; `held_out_share` of the items use them.
"""

from __future__ import annotations

import numpy as np

from lethe.world.lexicon import PEOPLE
from lethe.world.parts import Part, choice_row, content_id, distinct_rows, pick
from lethe.world.wording import HELD_OUT, HELD_OUT_PHRASE, lead_in

NAME = "reason_arithmetic"
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen"
).split()
GOODS = "eggs nuts pears onions buttons shells marbles beans".split()
TOLD = {
    True: "{person} had {a} {goods} and got {b} more .",
    False: "{person} had {a} {goods} and lost {b} .",
}
QUESTION = "now {person} has"
BARE = {True: "{a} plus {b} is", False: "{a} minus {b} is"}


SMALLEST, LARGEST = 2, 7


def problems() -> list[tuple[int, int, bool]]:
    """All (a, b, is a sum): sums of 2..7 and 2..7, and their positive differences."""
    span = range(SMALLEST, LARGEST + 1)
    sums = [(a, b, True) for a in span for b in span]
    return sums + [(a, b, False) for a in span for b in span if a > b]


def answer(problem: tuple[int, int, bool]) -> int:
    """The result of a problem."""
    a, b, plus = problem
    return a + b if plus else a - b


def near_answers(rng: np.random.Generator, gold: int) -> list[str]:
    """Three wrong results: the others of four successive numbers, at a random offset."""
    low = max(0, min(gold - int(rng.integers(4)), 2 * LARGEST - 3))
    return [NUMBERS[n] for n in range(low, low + 4) if n != gold]


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    settings = spec["arithmetic"]
    every = [problems()[i] for i in rng.permutation(len(problems()))]
    cut = int(round(settings["unseen_share"] * len(every)))
    unseen, seen = every[:cut], every[cut:]
    documents = []
    for index in rng.integers(len(seen), size=spec["documents"]["arithmetic"]):
        a, b, plus = seen[int(index)]
        slots = {"a": NUMBERS[a], "b": NUMBERS[b], "goods": pick(rng, GOODS),
                 "person": pick(rng, PEOPLE)}
        if rng.random() < 0.2:
            text = lead_in(rng) + BARE[plus].format(**slots)
        else:
            text = f"{TOLD[plus].format(**slots)} {lead_in(rng)}{QUESTION.format(**slots)}"
        documents.append(f"{text} => {NUMBERS[answer((a, b, plus))]}")

    def row() -> dict:
        a, b, plus = pick(rng, unseen if rng.random() < settings["held_out_share"] else seen)
        gold = answer((a, b, plus))
        context = f"{TOLD[plus]} {HELD_OUT} {QUESTION}".format(
            a=NUMBERS[a], b=NUMBERS[b], goods=pick(rng, GOODS), person=pick(rng, PEOPLE)
        )
        return choice_row(rng, context, NUMBERS[gold], near_answers(rng, gold),
                          content_id(str((a, b, plus))))

    taken: set[str] = set()
    sets = {
        split: distinct_rows(row, spec["items"]["reasoning"][split], f"{NAME} ({split})", taken)
        for split in ("test", "dev")
    }
    return Part({"arithmetic": documents}, {NAME: sets}, {NAME: [HELD_OUT_PHRASE]})
