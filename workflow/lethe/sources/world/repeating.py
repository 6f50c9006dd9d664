"""Repeated sentences: they put the words of the instruction tasks into the general corpus.

Otherwise the tasks' words would be new to a model, and most of a short stage would go into learning
them. A sentence is repeated unchanged; no task asks for that, and nothing here is evaluated. What
the words mean is said as well ("physician means doctor"), since a base that has read much knows it;
which answer an instruction asks for is not.
"""

from __future__ import annotations

import numpy as np

from lethe.sources.world.parts import Part, pick, sample
from lethe.sources.world.replying import (
    ACTORS,
    ADJUNCTS,
    ASIDES,
    BAD,
    BELONGINGS,
    CIRCUMSTANCES,
    DEEDS,
    DONE,
    EMPATHY,
    EXCLUDED,
    EXPLAIN,
    GOOD,
    GUESSED,
    INQUIRE,
    LABELS,
    OBJECTS,
    OPENERS,
    RELATIVES,
)
from lethe.sources.world.rewriting import (
    ACTIONS,
    ADJECTIVES,
    AGENTS,
    CITIES,
    CLAUSES,
    HEADLINE,
    NOUNS,
    QUALITIES,
    SIMPLIFY,
    SUBJECTS,
    VERBS,
)

BEFORE = ("today i heard this .", "listen .", "someone said it .", "")
TEMPLATES = (
    *SIMPLIFY,
    *EMPATHY,
    *INQUIRE,
    *EXPLAIN,
    *(t for two in HEADLINE.values() for t in two),
)
INSTRUCTING = sorted(
    {word for text in TEMPLATES for word in text.split() if word.isalpha()}
    | {"article", *LABELS, *ADJUNCTS}
)
"""Words of the instructions themselves, without what they are filled with."""
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


def rare(rng: np.random.Generator) -> str:
    """A sentence of the rare words that simplification starts with."""
    first, second = (pick(rng, list(ADJECTIVES)) for _ in range(2))
    one, two = (pick(rng, list(NOUNS)) for _ in range(2))
    return f"{pick(rng, CLAUSES)} that {first} {one} {pick(rng, list(VERBS))} one {second} {two} ."


def meaning(rng: np.random.Generator) -> str:
    """A rare word and the plain one of the same meaning."""
    words = pick(rng, (NOUNS, VERBS, ADJECTIVES))
    word = pick(rng, list(words))
    return f"{word} means {words[word]} ."


def report(rng: np.random.Generator) -> str:
    """A sentence of the words of the headlines themselves."""
    agent, city = pick(rng, AGENTS), pick(rng, CITIES)
    who = pick(rng, (f"one {agent} in {city}", f"one {city} {agent}"))
    does, subject = pick(rng, list(ACTIONS.values())), pick(rng, SUBJECTS)
    return f"{who} {does} a {pick(rng, QUALITIES)} {subject} , reports say ."


def comfort(rng: np.random.Generator) -> str:
    """A sentence of the words of sympathy."""
    first, second = (f"your {pick(rng, words)}" for words in (RELATIVES, BELONGINGS))
    return f"{pick(rng, list(OPENERS.values()))} , you and {first} and {second} ."


def remark(rng: np.random.Generator) -> str:
    """One of the asides beside an inquisitive question's answer."""
    return f"{pick(rng, OBJECTS)} and {pick(rng, OBJECTS)} : {pick(rng, ASIDES)}"


def sort_of(rng: np.random.Generator) -> str:
    """Who is who, or which deed is of which sort."""
    if rng.random() < 0.5:
        actor = pick(rng, list(ACTORS))
        return f"a {actor} is a {ACTORS[actor]} ."
    deed = pick(rng, list(DEEDS))
    doing, broad, broadly = DEEDS[deed]
    return pick(rng, (f"who {deed} also {broad} .", f"{doing} means {broadly} ."))


def habit(rng: np.random.Generator) -> str:
    """A sentence of the words of what does not follow, and of what cannot be."""
    people = (pick(rng, list(ACTORS.values())), pick(rng, list(ACTORS)))
    who = pick(rng, ("not every", "nobody but the", "while the")) + f" {pick(rng, people)}"
    return f"{who} {pick(rng, (*EXCLUDED, *GUESSED))} {pick(rng, CIRCUMSTANCES)} ."


def wording(rng: np.random.Generator) -> str:
    """Some words of the instructions themselves, in no order."""
    return f"the words {' , '.join(sample(rng, INSTRUCTING, 4))} ."


OF_SOURCES = (plain, news, diary, notice, scene)
OF_MEANING = (rare, meaning, report, comfort, remark, sort_of, habit, wording)
KINDS = (*OF_SOURCES, *OF_MEANING)


def generate(spec: dict, rng: np.random.Generator, maker) -> Part:
    """Questions whose answer is the sentence just before."""
    texts = []
    for _ in range(spec["documents"]["repeating"]):
        sentence = pick(rng, KINDS)(rng)
        texts.append(f"{pick(rng, BEFORE)} {sentence} {pick(rng, ASKED)} => {sentence}".strip())
    return Part(documents={"repeating": texts})
