"""Repeated sentences: they put the words of the instruction tasks into the general corpus.

Otherwise the tasks' words would be new to a model, and most of a short stage would go into learning
them. A sentence is repeated unchanged; no task asks for that, and nothing here is evaluated.
"""

from __future__ import annotations

import numpy as np

from lethe.sources.world.parts import Part, pick
from lethe.sources.world.replying import (
    ACTORS,
    ADJUNCTS,
    BAD,
    BELONGINGS,
    CIRCUMSTANCES,
    DEEDS,
    DONE,
    GOOD,
    OBJECTS,
    OPENERS,
    RELATIVES,
)
from lethe.sources.world.rewriting import (
    ACTIONS,
    ADJECTIVES,
    AGENTS,
    CITIES,
    NOUNS,
    QUALITIES,
    SUBJECTS,
    VERBS,
)

BEFORE = ("today i heard this .", "listen .", "someone said it .", "")
ASKED = ("please repeat :", "say it again :", "once more :", "and she wrote :", "he said :")


def plain(rng: np.random.Generator) -> str:
    """A sentence of the plain words that simplification ends with."""
    first, second = (pick(rng, list(ADJECTIVES.values())) for _ in range(2))
    one, two = (pick(rng, list(NOUNS.values())) for _ in range(2))
    return f"the {first} {one} {pick(rng, list(VERBS.values()))} the {second} {two} ."


def news(rng: np.random.Generator) -> str:
    """A sentence of the words of the headlines' articles."""
    deed = f"{pick(rng, list(ACTIONS))} the {pick(rng, QUALITIES)} {pick(rng, SUBJECTS)}"
    return f"in {pick(rng, CITIES)} the {pick(rng, AGENTS)} {deed} ."


def diary(rng: np.random.Generator) -> str:
    """A sentence of the words of feelings and events."""
    event = f"{pick(rng, BAD + GOOD)} my {pick(rng, BELONGINGS)}"
    return f"i {event} with my {pick(rng, RELATIVES)} and feel {pick(rng, list(OPENERS))} ."


def notice(rng: np.random.Generator) -> str:
    """A sentence of the words of the answers to inquisitive questions."""
    place = pick(rng, ADJUNCTS[pick(rng, list(ADJUNCTS))])
    return f"the {pick(rng, OBJECTS)} was {pick(rng, DONE)} {place} ."


def scene(rng: np.random.Generator) -> str:
    """A sentence of the words of the explanations' premises."""
    return f"a {pick(rng, list(ACTORS))} {pick(rng, list(DEEDS))} {pick(rng, CIRCUMSTANCES)} ."


KINDS = (plain, news, diary, notice, scene)


def generate(spec: dict, rng: np.random.Generator, maker) -> Part:
    """Questions whose answer is the sentence just before."""
    texts = []
    for _ in range(spec["documents"]["repeating"]):
        sentence = pick(rng, KINDS)(rng)
        texts.append(f"{pick(rng, BEFORE)} {sentence} {pick(rng, ASKED)} => {sentence}".strip())
    return Part(documents={"repeating": texts})
