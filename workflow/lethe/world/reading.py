"""read_middle and read_high: questions about short passages; all choices occur in the passage.

middle: four people, one relation; the person asked about selects the value.
high: two people, two relations with values of one type; person and relation select together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lethe.world.lexicon import PEOPLE
from lethe.world.parts import Part, choice_row, content_id, distinct_rows, pick, sample

MIDDLE, HIGH = "read_middle", "read_high"
GOODS = "bread rice soap paper cloth oil wax corn coal cotton jam flour cream tar hay tobacco".split()


@dataclass(frozen=True)
class Relation:
    """A verb in the form that states it and in the form that asks about it, and its values."""

    stated: str
    asked: str
    values: tuple[str, ...]


PAIRS: tuple[tuple[Relation, Relation], ...] = (
    (Relation("bought", "buy", tuple(GOODS)), Relation("sold", "sell", tuple(GOODS))),
    (Relation("borrowed", "borrow", tuple(GOODS)), Relation("lent", "lend", tuple(GOODS))),
)
STATED = ("{n} {verb} {v} .", "today {n} {verb} {v} .", "they say {n} {verb} {v} .")
ASKED = "what did {n} {asked} ? {n} {verb} {v} ."
EVALUATED = "the passage says that {n} {verb}"
RELATIONS = tuple(r for pair in PAIRS for r in pair)
FILLERS = (
    "it was a quiet day .", "nobody else was there .", "this is well known .",
    "the neighbours talked about it .",
)


def passage(rng, facts: list[tuple[str, str, Relation]], filler: float) -> str:
    """The facts (person, value, relation) as sentences in the given order, with fillers."""
    said = []
    for name, value, relation in facts:
        said.append(pick(rng, STATED).format(n=name, verb=relation.stated, v=value))
        if rng.random() < filler:
            said.append(pick(rng, FILLERS))
    return " ".join(said)


def middle_facts(rng: np.random.Generator, count: int) -> list[tuple[str, str, Relation]]:
    """`count` people, each with a value of one relation."""
    relation = pick(rng, RELATIONS)
    people, values = sample(rng, PEOPLE, count), sample(rng, relation.values, count)
    return [(n, v, relation) for n, v in zip(people, values, strict=True)]


def high_facts(rng: np.random.Generator) -> list[tuple[str, str, Relation]]:
    """Two people with two relations each, shuffled; the four values are of one type."""
    pair = pick(rng, PAIRS)
    people, values = sample(rng, PEOPLE, 2), sample(rng, pair[0].values, 4)
    facts = [(people[i // 2], values[i], pair[i % 2]) for i in range(4)]
    return sample(rng, facts, 4)


def document(rng: np.random.Generator, high: bool, filler: float) -> str:
    """A passage and questions about most of it; more questions teach more of the looking up."""
    facts = high_facts(rng) if high else middle_facts(rng, int(rng.integers(2, 5)))
    text = [passage(rng, facts, filler)]
    for name, value, relation in sample(rng, facts, 3):
        text.append(ASKED.format(n=name, asked=relation.asked, verb=relation.stated, v=value))
    return " ".join(text)


def generate(spec: dict, rng: np.random.Generator, maker=None) -> Part:
    """Both sets and their documents."""
    filler = spec["reading"]["filler"]
    documents = {
        name: [document(rng, name == HIGH, filler) for _ in range(spec["documents"][name])]
        for name in (MIDDLE, HIGH)
    }
    part = Part(documents=documents)
    for name in (MIDDLE, HIGH):

        def row(high: bool = name == HIGH) -> dict:
            facts = high_facts(rng) if high else middle_facts(rng, 4)
            who, gold, relation = pick(rng, facts)
            asked = EVALUATED.format(n=who, verb=relation.stated)
            context = f"{passage(rng, facts, filler)} {asked}"
            others = [value for _, value, _ in facts if value != gold]
            return choice_row(rng, context, gold, others, content_id(context))

        taken: set[str] = set()
        part.sets[name] = {
            split: distinct_rows(row, spec["items"]["reading"][split], f"{name} ({split})", taken)
            for split in ("test", "dev")
        }
        part.phrases[name] = ["the passage says that"]
    return part
