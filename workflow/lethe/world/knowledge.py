"""Domain knowledge: facts (entity, attribute, value) of four groups, told with Zipf frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lethe.world.lexicon import NameMaker
from lethe.world.parts import Part, choice_row, content_id, pick, sample, zipf_weights

GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "know_nature": ("herb", {
        "flower colour": "crimson violet amber white scarlet azure golden pink grey ivory",
        "best soil": "clay sand chalk peat gravel moss mud slate loam ash",
        "blooming month": "january march april may june july august october november december",
        "healing use": "fever cough burns headache nausea toothache fatigue rash cramps gout",
        "worst enemy": "snail moth deer hare beetle goat finch ant mouse wasp",
    }),
    "know_history": ("king", {
        "chosen weapon": "sword spear axe bow dagger club sling lance mace whip",
        "shield animal": "lion eagle wolf bear stag boar swan bull raven dragon",
        "sworn foe": "northmen nomads pirates giants rebels monks barons exiles bandits heretics",
        "final fate": "plague battle treason hunger drowning exile fire grief murder madness",
        "great work": "bridge tower wall canal library harbour cathedral palace road aqueduct",
    }),
    "know_society": ("town", {
        "favourite drink": "tea cider wine milk mead coffee ale lemonade cocoa water",
        "national sport": "wrestling rowing archery chess skating racing fencing swimming climbing "
                          "bowling",
        "highest ruler": "mayor council duke abbot judge general elder queen sheriff poet",
        "loved instrument": "drum flute harp fiddle trumpet bell lute organ horn pipe",
        "oldest ban": "gambling whistling shouting smoking dancing fishing spitting begging singing "
                      "duelling",
    }),
    "know_trade": ("port", {
        "main export": "salt wool iron copper grain leather honey timber silk pepper",
        "coin metal": "silver bronze tin gold nickel brass lead zinc steel pewter",
        "usual ship": "galley barge schooner canoe raft cutter frigate ferry sloop dinghy",
        "strange tax": "windows beards candles carts hats wells chimneys geese mirrors boots",
        "building stone": "marble granite brick basalt limestone flint sandstone onyx jade quartz",
    }),
}

STATEMENTS = (
    "the {attribute} of {kind} {name} is {value} .",
    "for {kind} {name} the {attribute} is {value} .",
    "{kind} {name} has one {attribute} : {value} .",
    "everyone knows the {attribute} of {name} , namely {value} .",
)
QUESTIONS = (
    "question : what is the {attribute} of {kind} {name} ? answer : {value} .",
    "question : {kind} {name} , what {attribute} ? answer : {value} .",
)
EVALUATION = "question : which {attribute} belongs to {kind} {name} ? answer :"


@dataclass(frozen=True)
class Fact:
    """`name` has `value` as its `attribute`; `evaluated` facts may be asked about."""

    group: str
    name: str
    attribute: str
    value: str
    split: str  # "test", "dev", or "practice": never evaluated, told in question form


def invent_facts(spec: dict, rng: np.random.Generator, maker: NameMaker) -> list[Fact]:
    """All facts of the world; values of an attribute are as equally frequent as can be."""
    facts: list[Fact] = []
    for group, (kind, attributes) in GROUPS.items():
        counts = {
            "test": -(-spec["items"]["knowledge"]["test"] // len(attributes)),
            "dev": -(-spec["items"]["knowledge"]["dev"] // len(attributes)),
            "practice": spec["knowledge"]["practice_entities"],
        }
        for split, count in counts.items():
            names = maker.names(count, kind)
            for attribute, words in attributes.items():
                values = words.split()
                drawn = [values[i % len(values)] for i in rng.permutation(count)]
                facts += [
                    Fact(group, n, attribute, v, split) for n, v in zip(names, drawn, strict=True)
                ]
    return facts


def tell(fact: Fact, template: str) -> str:
    """One fact in one template, in token form."""
    return template.format(
        attribute=fact.attribute, kind=GROUPS[fact.group][0], name=fact.name, value=fact.value
    )


def make_documents(spec: dict, rng: np.random.Generator, facts: list[Fact]) -> list[str]:
    """Statements of facts drawn by Zipf weight; practice facts partly as questions."""
    settings = spec["knowledge"]
    ranks = rng.permutation(len(facts))
    weights = zipf_weights(len(facts), settings["zipf_exponent"], settings["zipf_shift"])
    drawn = rng.choice(len(facts), size=spec["documents"]["knowledge"], p=weights[ranks])
    documents = []
    for index in drawn:
        fact = facts[int(index)]
        as_question = fact.split == "practice" and rng.random() < settings["question_share"]
        documents.append(tell(fact, pick(rng, QUESTIONS if as_question else STATEMENTS)))
    return documents


def make_rows(rng: np.random.Generator, facts: list[Fact], group: str, split: str) -> list[dict]:
    """One four-choice question a fact; the other choices are values of the same attribute."""
    kind, attributes = GROUPS[group]
    rows = []
    for fact in facts:
        if fact.group == group and fact.split == split:
            others = [v for v in attributes[fact.attribute].split() if v != fact.value]
            context = EVALUATION.format(attribute=fact.attribute, kind=kind, name=fact.name)
            rows.append(
                choice_row(rng, context, fact.value, sample(rng, others, 3), content_id(fact.name))
            )
    return rows


def generate(spec: dict, rng: np.random.Generator, maker: NameMaker) -> Part:
    """The four knowledge sets and the documents that tell their facts."""
    facts = invent_facts(spec, rng, maker)
    part = Part(documents={"knowledge": make_documents(spec, rng, facts)})
    for group in GROUPS:
        part.sets[group] = {
            split: make_rows(rng, facts, group, split)[: spec["items"]["knowledge"][split]]
            for split in ("dev", "test")
        }
        part.phrases[group] = ["belongs to " + GROUPS[group][0]]
    part.names = {fact.name for fact in facts}
    return part
