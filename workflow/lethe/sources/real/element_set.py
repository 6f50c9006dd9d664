"""Which chemical element is meant, out of four: by its number, or by what is said of it."""

import re

import numpy as np

from lethe.sources.real.elements import TEXTS, Element
from lethe.sources.real.quads import Asked, fours

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
SHORTEST, LONGEST = 4, 40
"""Words of what is said of an element."""
IT = "this element"
STEM = 4
TOLD = {
    "description": "{text} The name of this chemical element is",
    "sources": "It is obtained thus: {text} The name of this chemical element is",
    "uses": "Its uses: {text} The name of this chemical element is",
}


def element_fours(elements: list[Element], rng: np.random.Generator) -> list[tuple[Asked, ...]]:
    """Fours of questions of one form: for an element's number, or for what a text says of it."""
    forms = [[_numbered(element) for element in elements]]
    forms += [
        [asked for element in elements if (asked := _told(element, column))] for column in TEXTS
    ]
    groups = []
    for asked in forms:
        order = [asked[i] for i in rng.permutation(len(asked))]
        groups += fours(order, lambda one, other: True, len(order))
    return [groups[i] for i in rng.permutation(len(groups))]


def _numbered(element: Element) -> Asked:
    return _asked(f"The chemical element with the atomic number {element.number} is", element)


def _told(element: Element, column: str) -> Asked | None:
    """A question by the first sentences that fit; None if there are none, or they name it."""
    kept: list[str] = []
    for sentence in SENTENCE.split(element.texts.get(column, "")):
        if len(" ".join([*kept, sentence]).split()) > LONGEST:
            break
        kept.append(sentence)
    name = rf"(?<![-\w]){re.escape(element.name)}(?![-\w])"
    text = re.sub(name, IT, " ".join(kept), flags=re.IGNORECASE)
    if len(text.split()) < SHORTEST or _names(text, element):
        return None
    return _asked(TOLD[column].format(text=text), element)


def _names(text: str, element: Element) -> bool:
    """Whether a text has the element's symbol, or a word that begins as its name does."""
    words = re.findall(r"[A-Za-z]+", text)
    start = element.name.lower()[:STEM]
    return any(word == element.symbol or word.lower().startswith(start) for word in words)


def _asked(context: str, element: Element) -> Asked:
    name = element.name.lower()
    return Asked(context, name, (name,))
