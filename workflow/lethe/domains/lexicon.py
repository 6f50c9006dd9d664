"""Words of the domains: what is spoken of, what is said of it, and what that means in a domain."""

from dataclasses import dataclass

import numpy as np

from lethe.world.lexicon import NameMaker
from lethe.world.parts import stream

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
    meaning: class of every invented word of the domains, by domain. All domains of a group share
        their words and agree on the class of some of them; each of the others has another class
        in every domain.
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
        words = maker.names(spec["words"])
        common = dict(_assigned(rng, words, classes))
        taken = maker.taken
        meaning = _meanings(common, classes, domains, spec["agreed_share"])
        made[name] = Group(name, general, meaning)
    return made


def _meanings(common: dict, classes: list[str], domains, agreed_share: float) -> dict[str, dict]:
    """Classes by domain: in the n-th, all but the agreed words are n classes on, or n back.

    Half of them go each way: were all moved alike, an end task's few labelled words would tell how
    to translate another domain's meanings into this one's, and nothing would seem forgotten. The
    same share of every class is agreed on, so that classes stay equally frequent.
    """
    way = {}
    for label in classes:
        members = [word for word in common if common[word] == label]
        agreed = round(agreed_share * len(members))
        way |= dict.fromkeys(members[:agreed], 0)
        way |= {word: 1 if number % 2 else -1 for number, word in enumerate(members[agreed:])}
    places = {label: place for place, label in enumerate(classes)}
    return {
        domain: {
            word: classes[(places[label] + way[word] * step) % len(classes)]
            for word, label in common.items()
        }
        for step, domain in enumerate(domains)
    }


def _assigned(rng: np.random.Generator, words: list[str], classes: list[str]):
    """Every word with a class, classes equally often."""
    places = rng.permutation(len(words))
    return [
        (word, classes[int(place) % len(classes)])
        for word, place in zip(words, places, strict=True)
    ]
