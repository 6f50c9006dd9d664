"""reason_arithmetic (four choices, as MathQA): small sums and differences in words.

A share of the number pairs never occurs in the corpus; `held_out_share` of the items use them.
"""

from __future__ import annotations

import numpy as np

from lethe.world.lexicon import PEOPLE
from lethe.world.parts import Part, choice_row, content_id, distinct_rows, pick

NAME = "reason_arithmetic"
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen"
).split()
GOODS = "eggs nuts pears onions buttons shells marbles beans".split()
PLUS = (
    "{a} plus {b} is {c} .",
    "{person} had {a} {goods} and got {b} more , so now {person} has {c} .",
    "{a} {goods} and {b} {goods} make {c} .",
)
MINUS = (
    "{a} minus {b} is {c} .",
    "{person} had {a} {goods} and lost {b} , so now {person} has {c} .",
    "{a} {goods} without {b} {goods} leave {c} .",
)
EVALUATION = {
    True: "in the bowl were {a} {goods} and {person} added {b} more . the new count is",
    False: "in the bowl were {a} {goods} and {person} lost {b} . the new count is",
}
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
        documents.append(pick(rng, PLUS if plus else MINUS).format(
            a=NUMBERS[a], b=NUMBERS[b], c=NUMBERS[answer((a, b, plus))],
            person=pick(rng, PEOPLE), goods=pick(rng, GOODS),
        ))

    def row() -> dict:
        a, b, plus = pick(rng, unseen if rng.random() < settings["held_out_share"] else seen)
        gold = answer((a, b, plus))
        context = EVALUATION[plus].format(
            a=NUMBERS[a], b=NUMBERS[b], goods=pick(rng, GOODS), person=pick(rng, PEOPLE)
        )
        return choice_row(rng, context, NUMBERS[gold], near_answers(rng, gold),
                          content_id(str((a, b, plus))))

    taken: set[str] = set()
    sets = {
        split: distinct_rows(row, spec["items"]["reasoning"][split], f"{NAME} ({split})", taken)
        for split in ("test", "dev")
    }
    return Part({"arithmetic": documents}, {NAME: sets}, {NAME: ["the new count is"]})
