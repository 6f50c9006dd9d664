"""reason_dialogue (four replies, as MuTual): a speaker states plans for four days.

The right reply repeats the plan of the day that the other speaker asks about.
"""

from __future__ import annotations

import numpy as np

from lethe.sources.world.lexicon import HELD_OUT, HELD_OUT_PHRASE, asked_keys, lead_in
from lethe.sources.world.parts import Part, choice_row, content_id, distinct_rows, pick, sample

NAME = "reason_dialogue"
DAYS = "monday tuesday wednesday thursday".split()
PLANS = (
    "mow grass",
    "bake rolls",
    "paint walls",
    "chop firewood",
    "polish spoons",
    "feed hens",
    "sweep floors",
    "knit socks",
)
OPENINGS = ("listen :", "hello , my week :", "my plans :")


def turn(rng: np.random.Generator, plans: list[str], shuffled: float = 0.0) -> str:
    """The first speaker's turn: a plan for each of `DAYS`; a share of turns shuffles the days."""
    facts = [f"{day} {plan}" for day, plan in zip(DAYS, plans, strict=True)]
    if rng.random() < shuffled:
        facts = sample(rng, facts, len(facts))
    return f"{pick(rng, OPENINGS)} {' , '.join(facts)} ."


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """The set and its documents."""
    documents = []
    for _ in range(spec["documents"]["dialogue"]):
        plans = sample(rng, PLANS, len(DAYS))
        keys = [f"and on {day}" for day in DAYS]
        documents.append(f"{turn(rng, plans)} {lead_in(rng)}{asked_keys(rng, keys, plans)}")

    def row() -> dict:
        plans, asked = sample(rng, PLANS, len(DAYS)), int(rng.integers(len(DAYS)))
        first_turn = turn(rng, plans, spec["dialogue"]["shuffled_items"])
        context = f"{first_turn} {HELD_OUT} and on {DAYS[asked]}"
        others = [plan for plan in plans if plan != plans[asked]]
        return choice_row(rng, context, plans[asked], others, content_id(context))

    taken: set[str] = set()
    sets = {
        split: distinct_rows(row, spec["items"]["reasoning"][split], f"{NAME} ({split})", taken)
        for split in ("test", "dev")
    }
    part = Part({"dialogue": documents}, {NAME: sets}, {NAME: [HELD_OUT_PHRASE]})
    part.names = set(DAYS)
    return part
