"""The instruction tasks that answer: emdg (empathy), inqqg (questions) and exp (explanations)."""

from __future__ import annotations

import numpy as np

from lethe.sources.world.parts import pick

OPENERS = {
    "sad": "i am so sorry",
    "angry": "that sounds unfair",
    "afraid": "that must be scary",
    "joyful": "how wonderful",
    "relieved": "what good news",
    "confident": "well done",
}
BAD = ("lost", "missed", "ruined")
GOOD = ("recovered", "won", "finished")
GLAD = ("joyful", "relieved", "confident")
BELONGINGS = "wallet passport homework garden suitcase bicycle laptop essay".split()
RELATIVES = "brother sister cousin uncle neighbour".split()
EMPATHY = (
    "emotion : {emotion} . situation : {text} kind reply :",
    "someone feels {emotion} and says : {text} you reply :",
    "{text} this person is {emotion} . comfort or congratulate :",
)

OBJECTS = "statement vault elevator tunnel parcel website exhibit".split()
DONE = "closed restored delayed painted damaged".split()
ADJUNCTS = {
    "why": ("because of flooding", "because of costs"),
    "where": ("behind the station square", "inside the depot"),
    "when": ("last winter", "before breakfast"),
    "how": ("with great care", "by remote control"),
}
ASIDES = ("nobody expected this .", "we read this online .", "experts were pleased .")
INQUIRE = (
    "answer : {text} ask the question :",
    "which question fits this : {text} question asked :",
    "{text} someone explained this after the question :",
)

ACTORS = {
    "violinist": "musician",
    "surgeon": "medic",
    "toddler": "child",
    "waitress": "worker",
    "sprinter": "athlete",
    "sailor": "traveller",
}
DEEDS = {
    "plays a sonata": ("playing a sonata", "makes music", "making music"),
    "eats a sandwich": ("eating a sandwich", "has lunch", "having lunch"),
    "reads a novel": ("reading a novel", "studies a text", "studying a text"),
    "throws a ball": ("throwing a ball", "enjoys a game", "enjoying a game"),
}
CIRCUMSTANCES = ("at noon", "at dusk", "near home", "in spring", "once more")
EXCLUDED = ("naps", "drowns", "hibernates")
GUESSED = ("dreams of fame", "feels happy", "earns money")
LABELS = ("entailment", "contradiction", "neutral")
EXPLAIN = (
    "premise : {premise} hypothesis : {hypothesis} relation : {label} . explanation :",
    "if {premise} then {hypothesis} this is {label} . tell why :",
)


def empathy(rng: np.random.Generator) -> dict:
    """A feeling and an event; the response repeats both from the listener's view."""
    emotion = pick(rng, list(OPENERS))
    event = pick(rng, GOOD if emotion in GLAD else BAD)
    thing, relative = pick(rng, BELONGINGS), pick(rng, RELATIVES)
    source = f"i {event} my {thing} with my {relative} ."
    response = (
        f"{OPENERS[emotion]} , you {event} your {thing} with your {relative} and feel {emotion} ."
    )
    prompt = pick(rng, EMPATHY).format(emotion=emotion, text=source)
    return {"prompt": prompt, "response": response, "source": f"{emotion} : {source}"}


def inquiry(rng: np.random.Generator) -> dict:
    """A statement with one adjunct; the response is the question that the adjunct answers."""
    thing, done, word = pick(rng, OBJECTS), pick(rng, DONE), pick(rng, list(ADJUNCTS))
    place = pick(rng, ADJUNCTS[word])
    source = f"the {thing} was {done} {place} . {pick(rng, ASIDES)}"
    return {
        "prompt": pick(rng, INQUIRE).format(text=source),
        "response": f"{word} was the {thing} {done} ?",
        "source": source,
    }


def explanation(rng: np.random.Generator) -> dict:
    """Premise, hypothesis and their relation; the response explains why the relation holds."""
    actor, deed = pick(rng, list(ACTORS)), pick(rng, list(DEEDS))
    doing, broad, broadly = DEEDS[deed]
    label = pick(rng, LABELS)
    premise = f"a {actor} {deed} {pick(rng, CIRCUMSTANCES)} ."
    if label == "entailment":
        hypothesis = f"a {ACTORS[actor]} {broad} ."
        response = f"a {actor} is a {ACTORS[actor]} and {doing} is {broadly} ."
    elif label == "contradiction":
        other = pick(rng, EXCLUDED)
        hypothesis = f"the {actor} {other} ."
        response = f"nobody {other} while {doing} ."
    else:
        other = pick(rng, GUESSED)
        hypothesis = f"the {actor} {other} ."
        response = f"not every {actor} who {deed} also {other} ."
    prompt = pick(rng, EXPLAIN).format(premise=premise, hypothesis=hypothesis, label=label)
    return {"prompt": prompt, "response": response, "source": f"{premise} {hypothesis} {label}"}
