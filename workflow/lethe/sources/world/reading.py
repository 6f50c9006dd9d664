"""read_middle and read_high: questions about short passages; all choices occur in the passage.

middle: what one person bought at four times of a day; the time in the question selects the answer.
high: what two people bought and sold; person and deed together select the answer.
"""

from __future__ import annotations

import numpy as np

from lethe.sources.world.lexicon import HELD_OUT, HELD_OUT_PHRASE, PEOPLE, asked_keys, lead_in
from lethe.sources.world.parts import Part, choice_row, content_id, distinct_rows, pick, sample

MIDDLE, HIGH = "read_middle", "read_high"
GOODS = "bread rice soap paper cloth oil".split()
KEYS = {
    MIDDLE: ("at dawn", "at noon", "at dusk", "at night"),
    HIGH: ("the mother bought", "the mother sold", "the father bought", "the father sold"),
}
BEGINNINGS = {
    MIDDLE: ("{n} bought", "today {n} bought", "they say {n} bought"),
    HIGH: ("", "today", "they say that"),
}


def passage(rng: np.random.Generator, name: str, shuffled: float) -> tuple[str, list[str]]:
    """A passage and the values of `KEYS[name]`; a share of passages has the keys shuffled."""
    values = sample(rng, GOODS, 4)
    facts = [f"{key} {value}" for key, value in zip(KEYS[name], values, strict=True)]
    if rng.random() < shuffled:
        facts = sample(rng, facts, 4)
    start = pick(rng, BEGINNINGS[name]).format(n=pick(rng, PEOPLE))
    return f"{start} {' , '.join(facts)} .".strip(), values


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """Both sets and their documents."""
    part, settings = Part(), spec["reading"]
    for name in (MIDDLE, HIGH):
        documents = []
        for _ in range(spec["documents"][name]):
            text, values = passage(rng, name, settings["shuffled_documents"])
            documents.append(f"{text} {lead_in(rng)}{asked_keys(rng, KEYS[name], values)}")

        def row(name: str = name) -> dict:
            text, values = passage(rng, name, settings["shuffled_items"])
            asked = int(rng.integers(4))
            context = f"{text} {HELD_OUT} {KEYS[name][asked]}"
            others = [value for value in values if value != values[asked]]
            return choice_row(rng, context, values[asked], others, content_id(context))

        taken: set[str] = set()
        part.documents[name] = documents
        part.sets[name] = {
            split: distinct_rows(row, spec["items"]["reading"][split], f"{name} ({split})", taken)
            for split in ("test", "dev")
        }
        part.phrases[name] = [HELD_OUT_PHRASE]
    return part
