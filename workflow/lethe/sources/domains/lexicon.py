"""Words of the domains: what is spoken of, what is said of it, and what that means."""

from dataclasses import dataclass

import numpy as np

from lethe.sources.world.lexicon import NameMaker
from lethe.sources.world.parts import stream

# Words that say outright what the invented words stand for, by group and class.
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
# What each domain speaks of; disjoint, so that a text shows its domain.
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


@dataclass(frozen=True)
class Group:
    """The words of one group of domains.

    general: class of every invented word of the general corpus.
    meaning: class of every invented word of a domain, by domain. Some words are the group's: all
        its domains have them, and agree on their classes. The others are the domain's own.
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
    made = {}
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
        made[name] = Group(name, general, meaning)
    return made


def _assigned(rng: np.random.Generator, words: list[str], classes: list[str]):
    """Every word with a class, classes equally often."""
    places = rng.permutation(len(words))
    return [
        (word, classes[int(place) % len(classes)])
        for word, place in zip(words, places, strict=True)
    ]
