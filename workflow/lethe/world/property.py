"""reason_property (yes/no, as BoolQ): creatures inherit abilities from their kind.

A set of (creature, ability) pairs never occurs in the corpus; only these are asked about.
"""

from __future__ import annotations

import numpy as np

from lethe.world.lexicon import PEOPLE, NameMaker
from lethe.world.parts import (
    Part,
    choice_row,
    content_id,
    held_out_pools,
    pick,
    split_rows,
    zipf_weights,
)

NAME = "reason_property"
ABILITIES = "glow hum leap burrow float bark spin purr".split()
HAUNTS = "swamp cliff meadow cave shore ruin marsh grove ditch hedge".split()
KINDS = 4
PASSAGES = (
    "{person} met a {creature} near the {haunt} .",
    "a {creature} came out of the {haunt} .",
    "{person} watched a {creature} in the {haunt} .",
)
QUESTION = "can it {ability} ?"
EVALUATION = "{passage} is it able to {ability} ?"


def balanced_table(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Boolean [rows, columns]; every row, and every column, is half true (shortcut-proof)."""
    base = (np.arange(rows)[:, None] + np.arange(columns)[None, :]) % 2 == 0
    for _ in range(40 * rows):
        (r, s), (c, d) = rng.choice(rows, 2, False), rng.choice(columns, 2, False)
        if base[r, c] == base[s, d] and base[r, d] == base[s, c] and base[r, c] != base[r, d]:
            base[[r, r, s, s], [c, d, c, d]] ^= True
    return base


def passage(rng: np.random.Generator, creature: str) -> str:
    """One sentence in which the creature appears."""
    return pick(rng, PASSAGES).format(
        person=pick(rng, PEOPLE), creature=creature, haunt=pick(rng, HAUNTS)
    )


def document(rng, creature: str, kind: str, ability: str, able: bool, told: float) -> str:
    """A statement about the creature's kind, or about one seen pair of creature and ability."""
    if rng.random() < told:
        return f"the {creature} is a kind of {kind} ."
    form, answer = int(rng.integers(4)), "yes" if able else "no"
    if form == 0:
        return f"every {kind} can {ability} ." if able else f"no {kind} can {ability} ."
    if form == 1:
        return f"can a {creature} {ability} ? {answer} ."
    return f"{passage(rng, creature)} {QUESTION.format(ability=ability)} {answer} ."


def generate(spec: dict, rng: np.random.Generator, maker: NameMaker) -> Part:
    """The set and its documents."""
    settings = spec["property"]
    creatures, kinds = maker.names(settings["creatures"]), maker.names(KINDS)
    kind_of = rng.permutation(len(creatures)) % KINDS
    table = balanced_table(rng, KINDS, len(ABILITIES))
    pairs = rng.permutation(len(creatures) * len(ABILITIES))
    held, seen = held_out_pools(pairs, settings["held_out_share"])
    weights = zipf_weights(len(creatures), settings["zipf_exponent"], settings["zipf_shift"])
    chances = weights[seen // len(ABILITIES)]
    documents = []
    for index in rng.choice(seen, spec["documents"]["property"], p=chances / chances.sum()):
        creature, ability = divmod(int(index), len(ABILITIES))
        kind = kind_of[creature]
        documents.append(
            document(rng, creatures[creature], kinds[kind], ABILITIES[ability],
                     bool(table[kind, ability]), settings["membership_share"])
        )

    def row(pool) -> dict:
        creature, ability = divmod(int(pick(rng, pool)), len(ABILITIES))
        able = int(table[kind_of[creature], ability])
        context = EVALUATION.format(
            passage=passage(rng, creatures[creature]), ability=ABILITIES[ability]
        )
        cluster = content_id(creatures[creature], ABILITIES[ability])
        answers = ["no", "yes"]
        made = choice_row(rng, context, answers[able], [answers[1 - able]], cluster)
        return made | {"choices": answers, "answer": able}

    part = Part(documents={"property": documents}, phrases={NAME: ["is it able to"]})
    part.sets[NAME] = split_rows(row, held, spec["items"]["reasoning"], NAME)
    return part
