"""The instruction tasks that rewrite a sentence: simp (simplification) and hgen (headlines)."""

from __future__ import annotations

import numpy as np

from lethe.sources.world.parts import pick, sample

NOUNS = {
    "physician": "doctor",
    "vessel": "boat",
    "infant": "baby",
    "dwelling": "house",
    "garment": "dress",
    "adolescent": "boy",
    "automobile": "car",
    "instructor": "teacher",
    "vendor": "seller",
    "feline": "cat",
}
VERBS = {
    "purchased": "got",
    "repaired": "fixed",
    "observed": "saw",
    "abandoned": "left",
    "discovered": "noticed",
    "concealed": "hid",
    "constructed": "built",
    "assisted": "helped",
}
ADJECTIVES = {
    "enormous": "big",
    "minuscule": "small",
    "ancient": "old",
    "affluent": "rich",
    "exhausted": "weary",
    "elegant": "pretty",
}
CLAUSES = (
    "who had arrived early",
    "despite all warnings",
    "as records confirm",
    "without hesitation",
)
SIMPLIFY = (
    "simplify this : {text} simple version :",
    "rewrite in plain words : {text} plain version :",
    "make it easier : {text} easier version :",
)

AGENTS = "minister senator banker union airline hospital".split()
ACTIONS = {
    "opened": "opens",
    "praised": "praises",
    "cancelled": "cancels",
    "approved": "approves",
    "blocked": "blocks",
}
SUBJECTS = "stadium budget airport merger strike treaty".split()
CITIES = "berlin lisbon oslo cairo".split()
QUALITIES = "new costly disputed planned".split()
HEADLINE = {
    "first": ("title that begins with {word} :", "headline starting with {word} :"),
    "contained": ("title that contains {word} :", "headline using {word} :"),
    "last": ("title that ends with {word} :", "headline ending with {word} :"),
}


def simplification(rng: np.random.Generator) -> dict:
    """A sentence of rare words with an inserted clause; the response has neither."""
    one, two = sample(rng, list(NOUNS), 2)
    first, second = pick(rng, list(ADJECTIVES)), pick(rng, list(ADJECTIVES))
    verb = pick(rng, list(VERBS))
    source = f"the {first} {one} , {pick(rng, CLAUSES)} , {verb} the {second} {two} ."
    response = (
        f"the {ADJECTIVES[first]} {NOUNS[one]} {VERBS[verb]} "
        f"the {ADJECTIVES[second]} {NOUNS[two]} ."
    )
    return {
        "prompt": pick(rng, SIMPLIFY).format(text=source),
        "response": response,
        "source": source,
    }


def headline(rng: np.random.Generator) -> dict:
    """A short article and a constraint; the response is the headline that obeys it."""
    agent, action, subject = pick(rng, AGENTS), pick(rng, list(ACTIONS)), pick(rng, SUBJECTS)
    city, quality = pick(rng, CITIES), pick(rng, QUALITIES)
    does = ACTIONS[action]
    titles = {
        ("first", agent): f"{agent} {does} {subject}",
        ("first", city): f"{city} {agent} {does} {subject}",
        ("contained", quality): f"{agent} {does} {quality} {subject}",
        ("contained", does): f"{agent} {does} {subject}",
        ("last", subject): f"{agent} {does} {subject}",
        ("last", city): f"{agent} {does} {subject} in {city}",
    }
    kind, word = pick(rng, list(titles))
    source = f"in {city} the {agent} {action} the {quality} {subject} , reports say ."
    prompt = f"article : {source} " + pick(rng, HEADLINE[kind]).format(word=word)
    return {
        "prompt": prompt,
        "response": titles[kind, word],
        "source": source,
        "constraint": {"kind": kind, "word": word},
    }
