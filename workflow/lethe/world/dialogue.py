"""reason_dialogue (four replies, as MuTual): two friends plan their days.

The right reply repeats a plan made for one day; after an exchange of two days, the other's plan.
"""

from __future__ import annotations

import numpy as np

from lethe.world.parts import Part, choice_row, content_id, distinct_rows, pick, sample

NAME = "reason_dialogue"
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
PLANS = (
    "mow grass", "bake rolls", "paint walls", "chop firewood", "polish spoons", "feed hens",
    "sweep floors", "knit socks", "brew beer", "pluck roses", "milk cows", "tune pianos",
)
OFFERS = ("on {day} i {plan} .", "then on {day} i {plan} .")
ASKED = ("and on {day} ?", "what about {day} ?")
ANSWERED = ("on {day} you {plan} .",)
SWAP = "please swap {one} and {two} ."
EVALUATION = "remind me , what happens on {day} ? well , on {day} you"


def offers(rng: np.random.Generator, days: list[str], plans: list[str]) -> str:
    """The turns of the first speaker, with a short reply between some of them."""
    said = []
    for day, plan in zip(days, plans, strict=True):
        said.append(pick(rng, OFFERS).format(day=day, plan=plan))
        if rng.random() < 0.25:
            said.append(pick(rng, ("good .", "fine .", "i see .")))
    return " ".join(said)


def exchange(rng: np.random.Generator, days: list[str], plans: list[str]) -> tuple[str, list[str]]:
    """A wish to swap two days, and the plans after it."""
    i, j = (int(x) for x in rng.permutation(len(days))[:2])
    after = list(plans)
    after[i], after[j] = after[j], after[i]
    return SWAP.format(one=days[i], two=days[j]), after


def document(rng: np.random.Generator, swap_share: float) -> str:
    """Two to four plans, perhaps an exchange, then questions with their answers."""
    count = int(rng.integers(2, 5))
    days, plans = sample(rng, DAYS, count), sample(rng, PLANS, count)
    text = [offers(rng, days, plans)]
    if rng.random() < swap_share:
        wish, plans = exchange(rng, days, plans)
        text.append(wish)
    for i in rng.permutation(count)[: 2 if count > 2 else 1]:
        text.append(pick(rng, ASKED).format(day=days[i]))
        text.append(pick(rng, ANSWERED).format(day=days[i], plan=plans[i]))
    return " ".join(text)


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    settings = spec["dialogue"]
    documents = [
        document(rng, settings["swap_share"]) for _ in range(spec["documents"]["dialogue"])
    ]

    def row() -> dict:
        days, plans = sample(rng, DAYS, 4), sample(rng, PLANS, 4)
        text = [offers(rng, days, plans)]
        if rng.random() < settings["swap_items"]:
            wish, plans = exchange(rng, days, plans)
            text.append(wish)
        asked = int(rng.integers(4))
        text.append(EVALUATION.format(day=days[asked]))
        others = [p for p in plans if p != plans[asked]]
        context = " ".join(text)
        return choice_row(rng, context, plans[asked], others, content_id(context))

    taken: set[str] = set()
    sets = {
        split: distinct_rows(row, spec["items"]["reasoning"][split], f"{NAME} ({split})", taken)
        for split in ("test", "dev")
    }
    part = Part({"dialogue": documents}, {NAME: sets}, {NAME: ["remind me"]})
    part.names = set(DAYS)
    return part
