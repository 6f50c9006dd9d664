"""reason_property (yes/no, as BoolQ): what a creature can lift; declared as memory.

Creatures have a strength and things a weight. The evaluated pairs of creature and thing never occur
in the corpus and must be inferred from other pairs; yes and no are equally frequent.
"""

from __future__ import annotations

import numpy as np

from lethe.errors import UserError
from lethe.sources.world.lexicon import HELD_OUT, HELD_OUT_PHRASE, PEOPLE, NameMaker, lead_in
from lethe.sources.world.parts import (
    Part,
    choice_row,
    content_id,
    held_out_pools,
    pick,
    split_rows,
    zipf_weights,
)

NAME = "reason_property"
THINGS = "feather pebble saddle boulder anvil millstone cannon obelisk".split()
HAUNTS = "swamp cliff meadow cave shore marsh".split()
PASSAGES = ("{person} met a {creature} near the {haunt} .", "a {creature} came to the {haunt} .")
QUESTION = "can the {creature} lift the {thing} ?"
ANSWERS = ("no", "yes")


def passage(rng: np.random.Generator, creature: str) -> str:
    """One sentence in which the creature appears."""
    return pick(rng, PASSAGES).format(
        person=pick(rng, PEOPLE), creature=creature, haunt=pick(rng, HAUNTS)
    )


def _require_both_answers(held: dict, words) -> None:
    for split, pairs in held.items():
        answers = {words(pair)[2] for pair in pairs}
        if len(answers) < len(ANSWERS):
            raise UserError(
                f"Expected both answers among the pairs of creature and thing held out for "
                f"{split}, found one answer for all {len(pairs)}: set more `creatures` or a larger "
                "`held_out_share` in `property` of the world's parameters."
            )


def generate(spec: dict, rng: np.random.Generator, maker: NameMaker) -> Part:
    """The set and its documents."""
    settings = spec["property"]
    creatures = maker.names(settings["creatures"])
    strength = rng.permutation(len(creatures)) % (len(THINGS) + 1)
    weight = rng.permutation(len(THINGS))
    pairs = rng.permutation(len(creatures) * len(THINGS))
    held, seen = held_out_pools(pairs, settings["held_out_share"])
    rare = zipf_weights(len(creatures), settings["zipf_exponent"], settings["zipf_shift"])
    chances = rare[seen // len(THINGS)]

    def words(pair: int) -> tuple[str, str, int]:
        creature, thing = divmod(int(pair), len(THINGS))
        return creatures[creature], THINGS[thing], int(strength[creature] > weight[thing])

    documents = []
    for pair in rng.choice(seen, spec["documents"]["property"], p=chances / chances.sum()):
        creature, thing, able = words(pair)
        before = passage(rng, creature) + " " if rng.random() < 0.6 else ""
        question = QUESTION.format(creature=creature, thing=thing)
        documents.append(f"{before}{lead_in(rng)}{question} => {ANSWERS[able]}")
    _require_both_answers(held, words)
    wanted = {"able": 0}

    def row(pool) -> dict:
        wanted["able"] ^= 1
        creature, thing, able = words(pick(rng, pool))
        while able != wanted["able"]:
            creature, thing, able = words(pick(rng, pool))
        question = QUESTION.format(creature=creature, thing=thing)
        context = f"{passage(rng, creature)} {HELD_OUT} {question}"
        shuffled = choice_row(
            rng, context, ANSWERS[able], [ANSWERS[1 - able]], content_id(creature, thing)
        )
        return shuffled | {"choices": list(ANSWERS), "answer": able}

    part = Part(documents={"property": documents}, phrases={NAME: [HELD_OUT_PHRASE]})
    part.sets[NAME] = split_rows(row, held, spec["items"]["reasoning"], NAME)
    return part
