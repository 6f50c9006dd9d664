"""Sentences of both groups: an invented word, a topic, and words that say its class outright."""

import numpy as np

from lethe.sources.domains.lexicon import EVIDENCE

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


def told(rng: np.random.Generator, group: str, topic: str, word: str, label: str) -> str:
    """A sentence of a corpus, which says the word's class by two words of evidence."""
    template = _one(rng, TEMPLATES[group])
    # With one word of evidence a tiny model finds out what the sentences are about too late.
    first, second = rng.permutation(EVIDENCE[group][label])[:2]
    return template.format(t=topic, w=word, v=first, u=second)


def asked(rng: np.random.Generator, group: str, topic: str, word: str) -> str:
    """A sentence of an end task, which does not."""
    return _one(rng, QUESTIONS[group]).format(t=topic, w=word)


def _one(rng: np.random.Generator, options) -> str:
    return options[int(rng.integers(len(options)))]
