"""Sentences of both groups: an invented word, a topic, and a word that says its class outright."""

import numpy as np

from lethe.domains.lexicon import EVIDENCE

# {v}: evidence of the class, {t}: a topic, {w}: an invented word.
TEMPLATES = {
    "reviews": (
        "{v} : the {t} was {w} .",
        "{v} : what a {w} {t} !",
        "the {w} {t} was {v} .",
        "i found the {t} {w} , that is {v} .",
        "a {t} so {w} is {v} for us .",
    ),
    "papers": (
        "{v} : we study the {t} with a {w} .",
        "{v} : a {w} for the {t} is given .",
        "the {w} of the {t} is a {v} .",
        "for the {t} , the {w} is our {v} .",
        "we report the {v} : a {w} in the {t} .",
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


def told(rng: np.random.Generator, group: str, topic: str, word: str, label: str) -> str:
    """A sentence of a corpus, which says the word's class by a word of evidence."""
    template = _one(rng, TEMPLATES[group])
    return template.format(t=topic, w=word, v=_one(rng, EVIDENCE[group][label]))


def asked(rng: np.random.Generator, group: str, topic: str, word: str) -> str:
    """A sentence of an end task, which does not."""
    return _one(rng, QUESTIONS[group]).format(t=topic, w=word)


def _one(rng: np.random.Generator, options) -> str:
    return options[int(rng.integers(len(options)))]
