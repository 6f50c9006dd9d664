"""Domain knowledge: facts (entity, attribute, value) of four groups, with Zipf frequencies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lethe.sources.world.lexicon import NameMaker, lead_in
from lethe.sources.world.parts import Part, choice_row, content_id, pick, sample, zipf_weights

GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "know_nature": (
        "herb",
        {
            "colour": "crimson violet amber white scarlet azure golden pink",
            "soil": "clay sand chalk peat gravel moss mud loam",
            "month": "january march april may june july august october",
            "cure": "fever cough burns headache nausea toothache fatigue gout",
            "pest": "snail moth deer hare beetle goat finch wasp",
        },
    ),
    "know_history": (
        "king",
        {
            "weapon": "sword spear axe bow dagger club sling lance",
            "crest": "lion eagle wolf bear stag boar swan dragon",
            "foe": "nomads pirates giants rebels monks barons exiles bandits",
            "fate": "plague battle treason hunger drowning grief murder madness",
            "monument": "bridge tower wall canal library harbour cathedral palace",
        },
    ),
    "know_society": (
        "town",
        {
            "drink": "tea cider wine milk mead coffee ale cocoa",
            "sport": "wrestling rowing archery chess skating racing fencing bowling",
            "ruler": "mayor council duke abbot judge general elder queen",
            "instrument": "flute harp fiddle trumpet bell lute organ horn",
            "ban": "gambling whistling shouting smoking dancing fishing begging singing",
        },
    ),
    "know_trade": (
        "port",
        {
            "export": "salt wool iron copper grain leather honey timber",
            "coin": "silver bronze tin gold nickel brass lead zinc",
            "ship": "galley barge schooner canoe raft cutter frigate ferry",
            "tax": "windows beards candles carts hats wells mirrors boots",
            "stone": "marble granite brick basalt limestone flint onyx jade",
        },
    ),
}

STATEMENTS = (
    "the {attribute} of {name} is => {value}",
    "{name} has the {attribute} => {value}",
    "for {name} the {attribute} is => {value}",
    "the {attribute} for {name} : it is => {value}",
    "question : what is the {attribute} of {name} ? answer : => {value}",
    "question : what {attribute} has {name} ? answer : => {value}",
)
EVALUATION = (
    "question : tell me the {attribute} of {name} . answer :",
    "we want to know the {attribute} for {name} : it is",
)


@dataclass(frozen=True)
class Fact:
    """`name` has `value` as its `attribute`; the entity is asked about in one split only."""

    group: str
    name: str
    attribute: str
    value: str
    split: str


def invent_facts(spec: dict, rng: np.random.Generator, maker: NameMaker) -> list[Fact]:
    """All facts of the world; an attribute's values are as equally frequent as possible."""
    facts: list[Fact] = []
    for group, (kind, attributes) in GROUPS.items():
        for split in ("test", "dev"):
            count = spec["knowledge"]["entities"][split]
            names = maker.names(count, kind)
            for attribute, words in attributes.items():
                values = words.split()
                drawn = [values[i % len(values)] for i in rng.permutation(count)]
                facts += [
                    Fact(group, n, attribute, v, split) for n, v in zip(names, drawn, strict=True)
                ]
    return facts


def make_documents(spec: dict, rng: np.random.Generator, facts: list[Fact]) -> list[str]:
    """Statements of facts, drawn by Zipf weight over a random ranking."""
    settings = spec["knowledge"]
    weights = zipf_weights(len(facts), settings["zipf_exponent"], settings["zipf_shift"])
    chances = weights[rng.permutation(len(facts))]
    documents = []
    for index in rng.choice(len(facts), size=spec["documents"]["knowledge"], p=chances):
        fact = facts[int(index)]
        start = lead_in(rng, 1) if rng.random() < 0.3 else ""
        documents.append(
            start
            + pick(rng, STATEMENTS).format(
                attribute=fact.attribute, name=fact.name, value=fact.value
            )
        )
    return documents


def make_rows(rng: np.random.Generator, facts: list[Fact], group: str, split: str) -> list[dict]:
    """Each fact in every held-out wording; the other choices are values of its attribute."""
    attributes = GROUPS[group][1]
    rows = []
    for fact in facts:
        if (fact.group, fact.split) != (group, split):
            continue
        others = [v for v in attributes[fact.attribute].split() if v != fact.value]
        for template in EVALUATION:
            context = template.format(attribute=fact.attribute, name=fact.name)
            rows.append(
                choice_row(rng, context, fact.value, sample(rng, others, 3), content_id(fact.name))
            )
    return rows


def generate(spec: dict, rng: np.random.Generator, maker: NameMaker) -> Part:
    """The four knowledge sets and the documents that state their facts."""
    facts = invent_facts(spec, rng, maker)
    part = Part(documents={"knowledge": make_documents(spec, rng, facts)})
    for group in GROUPS:
        part.sets[group] = {split: make_rows(rng, facts, group, split) for split in ("dev", "test")}
        part.phrases[group] = ["tell me the", "to know the"]
    part.names = {fact.name for fact in facts}
    return part
