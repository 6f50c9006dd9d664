"""The leakage rules, counted on the rendered world; a violation stops the build."""

from __future__ import annotations

from itertools import chain, combinations

from lethe.errors import UserError
from lethe.sources.world.lexicon import token_form

RULES = {
    "items_in_two_splits": "an item is in two splits",
    "documents_in_two_splits": "a corpus document is in train and in dev",
    "prompts_without_held_out_phrase": "an evaluation prompt does not use its held-out template",
    "held_out_phrases_in_corpus": "a held-out evaluation phrase occurs in the corpus",
    "evaluation_contexts_in_corpus": "an evaluation context occurs in the corpus",
    "evaluated_names_in_tasks": "an instruction task speaks of an entity that is evaluated",
    "held_out_phrases_in_tasks": "a held-out evaluation phrase occurs in an instruction task",
}


def shared_between_splits(splits: dict[str, list[dict]]) -> int:
    """How many item ids (hashes of normalised content) are in two or more splits."""
    ids = {name: {row["id"] for row in rows} for name, rows in splits.items()}
    return sum(len(ids[a] & ids[b]) for a, b in combinations(sorted(ids), 2))


def prompt_of(row: dict) -> str:
    """The text that the model sees: the context, or both sentences of a pair."""
    return row["context"] if "context" in row else f"{row['sent_more']} {row['sent_less']}"


def count_phrases(texts: list[str], phrases: set[str]) -> int:
    """Number of (text, phrase) pairs in which the phrase occurs in the text, word for word."""
    padded = [f" {text} " for text in texts]
    return sum(f" {phrase} " in text for text in padded for phrase in phrases)


def count_leaks(
    documents: dict[str, list[str]],
    sets: dict[str, dict[str, list[dict]]],
    phrases: dict[str, list[str]],
    tasks: dict[str, dict[str, list[dict]]],
    evaluated_names: set[str],
) -> dict[str, int]:
    """Violations by rule (`RULES`); all must be 0.

    documents: rendered corpus by split; sets and tasks: rendered rows by name and split;
    phrases: held-out phrases by set; evaluated_names: proper names of the evaluation items.
    """
    corpus = {split: [token_form(t) for t in texts] for split, texts in documents.items()}
    everything = list(chain.from_iterable(corpus.values()))
    prompts = {
        name: [token_form(prompt_of(row)) for rows in splits.values() for row in rows]
        for name, splits in sets.items()
    }
    held_out = {phrase for many in phrases.values() for phrase in many}
    instructions = [
        token_form(f"{row['prompt']} {row['response']}")
        for splits in tasks.values()
        for rows in splits.values()
        for row in rows
    ]
    distinct = set(everything)
    return {
        "items_in_two_splits": sum(
            shared_between_splits(splits) for splits in chain(sets.values(), tasks.values())
        ),
        "documents_in_two_splits": len(set(corpus["train"]) & set(corpus["dev"])),
        "prompts_without_held_out_phrase": sum(
            not count_phrases([prompt], set(phrases[name]))
            for name, many in prompts.items()
            for prompt in many
        ),
        "held_out_phrases_in_corpus": count_phrases(everything, held_out),
        "evaluation_contexts_in_corpus": sum(
            prompt in distinct for many in prompts.values() for prompt in many
        ),
        "evaluated_names_in_tasks": sum(
            not evaluated_names.isdisjoint(text.split()) for text in instructions
        ),
        "held_out_phrases_in_tasks": count_phrases(instructions, held_out),
    }


def check(counts: dict[str, int]) -> None:
    """Raise UserError with every broken rule."""
    broken = [f"{RULES[name]} ({count} times)" for name, count in counts.items() if count]
    if broken:
        raise UserError(
            "The generated world leaks: " + "; ".join(broken) + ". Choose other parameters of "
            "the world, or correct its templates (workflow/lethe/sources/world)."
        )
