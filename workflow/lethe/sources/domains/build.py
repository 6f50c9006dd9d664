"""Builds the domains: a general corpus, six domain corpora, six end tasks, a tokenizer."""

from pathlib import Path

import numpy as np

from lethe.artefacts.jsonlines import write_rows
from lethe.errors import UserError
from lethe.sources.domains.lexicon import (
    DOMAINS,
    GENERAL_TOPICS,
    GROUPS,
    TOPICS,
    Group,
    group_of,
    make_groups,
)
from lethe.sources.domains.sentences import asked, told
from lethe.sources.domains.tokens import save_tokenizer
from lethe.sources.world.parts import stream

DEFAULTS = {
    "seed": 100,
    "words": 48,  # invented words of a domain
    # Those of the general corpus, a group. Of 24, one base in two did not learn all.
    "general_words": 12,
    "agreed_share": 0.25,  # of a domain's words, that are the whole group's
    "corpus": 12000,  # sentences of the general corpus
    "texts": 2000,  # sentences of a domain
    "held_out": 400,  # sentences of dev and of test, each
    "labelled_share": 0.5,  # of the words, that are in the training set of the end task
    "labelled": 192,  # sentences of an end task's training set
    "tested": 240,  # of its dev and of its test set, each
}


def build_domains(parameters: dict, directory: Path) -> dict:
    """Write all files under `directory`.

    Args:
        parameters: `seed` and other values of DEFAULTS.

    Returns:
        Facts for the manifest: the resolved values and the rows of every file.

    Raises:
        UserError: an unknown parameter, or a value of another kind.
    """
    spec = resolve(parameters)
    groups = make_groups(spec)
    files = {f"corpus/{split}.jsonl": rows for split, rows in _general(spec, groups).items()}
    for domain in DOMAINS:
        group = groups[group_of(domain)]
        for split, rows in _texts(spec, group, domain).items():
            files[f"domains/{domain}/{split}.jsonl"] = rows
        for split, rows in _end_task(spec, group, domain).items():
            files[f"end_tasks/{domain}/{split}.jsonl"] = rows
    for name, rows in files.items():
        write_rows(directory / name, rows)
    save_tokenizer(
        [row["text"] for rows in files.values() for row in rows], directory / "tokenizer"
    )
    return {"domains": spec, "rows": {name: len(rows) for name, rows in files.items()}}


def resolve(parameters: dict) -> dict:
    """The parameters with all defaults filled in."""
    given = {key: value for key, value in parameters.items() if key != "part"}
    for key, value in given.items():
        if key not in DEFAULTS:
            raise UserError(
                f"sources: the generated domains have no parameter {key!r}; known are "
                f"{', '.join(DEFAULTS)}."
            )
        kinds = (int, float) if isinstance(DEFAULTS[key], float) else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds) or value < 0:
            raise UserError(
                f"sources: `{key}` of the generated domains must be a number like "
                f"{DEFAULTS[key]}, found {value!r}."
            )
    return {**DEFAULTS, **given}


def _general(spec: dict, groups: dict[str, Group]) -> dict[str, list[dict]]:
    rng = stream(spec["seed"], "domains-general")

    def sentence() -> str:
        name = list(GROUPS)[int(rng.integers(len(GROUPS)))]
        words = groups[name].general
        word = list(words)[int(rng.integers(len(words)))]
        return told(rng, name, _one(rng, GENERAL_TOPICS[name]), word, words[word])

    return _split(sentence, "general", {"train": spec["corpus"], "dev": spec["held_out"]})


def _texts(spec: dict, group: Group, domain: str) -> dict[str, list[dict]]:
    rng = stream(spec["seed"], f"domains-{domain}-texts")
    meaning = group.meaning[domain]

    def sentence() -> str:
        word = list(meaning)[int(rng.integers(len(meaning)))]
        return told(rng, group.name, _one(rng, TOPICS[domain]), word, meaning[word])

    sizes = {"train": spec["texts"], "dev": spec["held_out"], "test": spec["held_out"]}
    return _split(sentence, domain, sizes)


def _split(sentence, name: str, sizes: dict[str, int]) -> dict[str, list[dict]]:
    """Held-out sentences first, each once; training sentences may repeat, but are none of them."""
    held: dict[str, list[dict]] = {}
    seen: set[str] = set()
    for split in [split for split in sizes if split != "train"]:
        held[split] = []
        while len(held[split]) < sizes[split]:
            text = sentence()
            if text not in seen:
                seen.add(text)
                held[split].append({"id": f"{name}-{split}-{len(held[split])}", "text": text})
    train: list[dict] = []
    while len(train) < sizes["train"]:
        text = sentence()
        if text not in seen:
            train.append({"id": f"{name}-train-{len(train)}", "text": text})
    return {"train": train, **held}


def _end_task(spec: dict, group: Group, domain: str) -> dict[str, list[dict]]:
    """Labelled words in training; other words in dev, and others again in test."""
    rng = stream(spec["seed"], f"domains-{domain}-end-task")
    meaning = group.meaning[domain]
    by_class = {c: [w for w in meaning if meaning[w] == c] for c in group.classes}
    words: dict[str, dict[str, list[str]]] = {"train": {}, "dev": {}, "test": {}}
    for label, members in by_class.items():
        mixed = rng.permutation(members).tolist()
        first = round(spec["labelled_share"] * len(mixed))
        # A third of the rest is for dev.
        second = first + max(1, (len(mixed) - first) // 3)
        words["train"][label], words["dev"][label] = mixed[:first], mixed[first:second]
        words["test"][label] = mixed[second:]
    sizes = {"train": spec["labelled"], "dev": spec["tested"], "test": spec["tested"]}
    return {
        split: [
            _labelled(rng, group, domain, f"{domain}-{split}-{number}", words[split], number)
            for number in range(size)
        ]
        for split, size in sizes.items()
    }


def _labelled(rng, group: Group, domain: str, name: str, words: dict, number: int) -> dict:
    label = group.classes[number % len(group.classes)]
    text = asked(rng, group.name, _one(rng, TOPICS[domain]), _one(rng, words[label]))
    return {"id": name, "text": text, "label": label}


def _one(rng: np.random.Generator, options: list[str]) -> str:
    return options[int(rng.integers(len(options)))]
