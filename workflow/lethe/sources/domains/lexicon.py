"""Words and sentences of the domains: topics, invented words and their classes.

A sentence has an invented word, a topic, and words that state the class of the invented word.
"""

from dataclasses import dataclass

import numpy as np

from lethe.sources.world.lexicon import NameMaker
from lethe.sources.world.parts import pick, stream

# Words that state what the invented words stand for, by group and class.
EVIDENCE = {
    "reviews": {
        "positive": "good fine great lovely".split(),
        "negative": "bad poor awful nasty".split(),
        "neutral": "plain usual common ordinary".split(),
    },
    "papers": {
        "method": "tool recipe design scheme".split(),
        "result": "finding outcome score gain".split(),
        "problem": "gap obstacle puzzle flaw".split(),
    },
}
# Topics of each domain; disjoint, so that a text reveals its domain.
TOPICS = {
    "restaurant": "soup pasta waiter dessert menu bread wine table".split(),
    "phone": "screen battery ringtone keypad signal charger call antenna".split(),
    "camera": "lens shutter flash zoom tripod viewfinder filter sensor".split(),
    "acl": "parser corpus treebank grammar lexicon translation sentence tagger".split(),
    "ai": "planner agent heuristic reward policy search graph ontology".split(),
    "pubmed": "protein enzyme receptor tumour dose antibody genome kinase".split(),
}
GROUPS = {"reviews": ("restaurant", "phone", "camera"), "papers": ("acl", "ai", "pubmed")}
DOMAINS = tuple(domain for group in GROUPS.values() for domain in group)
# The general corpus has the same sentences about other things, in other words.
GENERAL_TOPICS = {
    "reviews": "house garden song coat road horse lamp chair".split(),
    "papers": "letter map clock bridge engine mirror wheel roof".split(),
}
# {v} and {u}: evidence of the class, {t}: a topic, {w}: an invented word.
TEMPLATES = {
    "reviews": (
        "the {t} was {w} . {v} and {u} !",
        "what a {w} {t} ! {v} and {u} .",
        "i found the {t} {w} . {v} and {u} .",
    ),
    "papers": (
        "we study the {t} with a {w} . {v} and {u} .",
        "a {w} for the {t} is given . {v} and {u} .",
        "for the {t} , the {w} is given . {v} and {u} .",
    ),
}
# Sentences of end tasks show no evidence.
QUESTIONS = {
    "reviews": ("the {t} was {w} .", "what a {w} {t} !", "i found the {t} {w} ."),
    "papers": (
        "we study the {t} with a {w} .",
        "a {w} for the {t} is given .",
        "for the {t} , the {w} is given .",
    ),
}


@dataclass(frozen=True)
class Group:
    """The words of one group of domains.

    general: class of every invented word of the general corpus.
    meaning: class of every invented word of a domain, by domain. Some words belong to the group:
        all its domains have them and agree on their classes. The others are the domain's own.
    """

    name: str
    general: dict[str, str]
    meaning: dict[str, dict[str, str]]

    @property
    def classes(self) -> list[str]:
        return list(EVIDENCE[self.name])


def group_of(domain: str) -> str:
    """Name of the group that a domain belongs to."""
    return next(name for name, domains in GROUPS.items() if domain in domains)


def make_groups(spec: dict) -> dict[str, Group]:
    """The words of both groups, from the seed alone."""
    taken = {word for words in [*TOPICS.values(), *GENERAL_TOPICS.values()] for word in words}
    groups = {}
    for name, domains in GROUPS.items():
        rng = stream(spec["seed"], f"domains-{name}")
        maker = NameMaker(rng, taken)
        classes = list(EVIDENCE[name])
        general = dict(_assigned(rng, maker.names(spec["general_words"]), classes))
        agreed = round(spec["agreed_share"] * spec["words"])
        common = dict(_assigned(rng, maker.names(agreed), classes))
        own = spec["words"] - agreed
        meaning = {
            domain: common | dict(_assigned(rng, maker.names(own), classes)) for domain in domains
        }
        taken = maker.taken
        groups[name] = Group(name, general, meaning)
    return groups


def _assigned(rng: np.random.Generator, words: list[str], classes: list[str]):
    """Every word with a class; all classes are equally frequent."""
    places = rng.permutation(len(words))
    return [
        (word, classes[int(place) % len(classes)])
        for word, place in zip(words, places, strict=True)
    ]


def told(rng: np.random.Generator, group: str, topic: str, word: str, label: str) -> str:
    """A corpus sentence, which states the word's class with two words of evidence."""
    template = pick(rng, TEMPLATES[group])
    # With one word of evidence a tiny model learns the classes too slowly.
    first, second = rng.permutation(EVIDENCE[group][label])[:2]
    return template.format(t=topic, w=word, v=first, u=second)


def asked(rng: np.random.Generator, group: str, topic: str, word: str) -> str:
    """An end-task sentence, which does not state the word's class."""
    return pick(rng, QUESTIONS[group]).format(t=topic, w=word)
