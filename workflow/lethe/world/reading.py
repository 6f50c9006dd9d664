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
PLACES = (
    "kitchen cellar garden attic stable barn chapel forge tavern school station bakery orchard "
    "museum market hospital"
).split()
THINGS = (
    "lamp kite violin clock mirror coat ring book parasol map drum carpet helmet vase "
    "telescope puzzle"
).split()


@dataclass(frozen=True)
class Relation:
    """How a relation is stated, asked about in the corpus, and asked about in evaluation."""

    stated: tuple[str, ...]
    asked: str
    evaluated: str
    values: tuple[str, ...]


PAIRS: tuple[tuple[Relation, Relation], ...] = (
    (
        Relation(("{n} sleeps in the {v} .", "the {v} is where {n} sleeps ."),
                 "where does {n} sleep ? in the {v} .",
                 "the passage says that {n} sleeps in the", tuple(PLACES)),
        Relation(("{n} works in the {v} .", "the {v} is where {n} works ."),
                 "where does {n} work ? in the {v} .",
                 "the passage says that {n} works in the", tuple(PLACES)),
    ),
    (
        Relation(("{n} bought a {v} .", "{n} chose a {v} and bought it ."),
                 "what did {n} buy ? {n} bought a {v} .",
                 "the passage says that {n} bought a", tuple(THINGS)),
        Relation(("{n} sold a {v} .", "{n} had a {v} and sold it ."),
                 "what did {n} sell ? {n} sold a {v} .",
                 "the passage says that {n} sold a", tuple(THINGS)),
    ),
)
RELATIONS = tuple(r for pair in PAIRS for r in pair)
FILLERS = (
    "it was a quiet day .", "nobody else was there .", "this is well known .",
    "the neighbours talked about it .",
)


def passage(rng, facts: list[tuple[str, str, Relation]], filler: float) -> str:
    """The facts (person, value, relation) as sentences in the given order, with fillers."""
    said = []
    for name, value, relation in facts:
        said.append(pick(rng, relation.stated).format(n=name, v=value))
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
        text.append(relation.asked.format(n=name, v=value))
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
            context = f"{passage(rng, facts, filler)} {relation.evaluated.format(n=who)}"
            others = [value for _, value, _ in facts if value != gold]
            return choice_row(rng, context, gold, others, content_id(context))

        taken: set[str] = set()
        part.sets[name] = {
            split: distinct_rows(row, spec["items"]["reading"][split], f"{name} ({split})", taken)
            for split in ("test", "dev")
        }
        part.phrases[name] = ["the passage says that"]
    return part
