"""A note before a run on words of a user's own files that a model's tokenizer cannot write."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe.artefacts.files import read_object
from lethe.artefacts.paths import node_directory
from lethe.artefacts.strict_json import digest
from lethe.artefacts.user_cache import cached
from lethe.config.catalogue import Catalogue
from lethe.data.unknown_tokens import NOT_WRITABLE, unknown_token
from lethe.longtables.run import Run
from lethe.parameters.entries import parse_mixture
from lethe.planning.base_folders import base_folder
from lethe.planning.code import code_of
from lethe.planning.data import CHECKED_ROWS
from lethe.planning.nodes import Node, Plan

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BOUND = 0.02
"""Share of unknown words from which there is a note: a name or a symbol may well be unknown."""
FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"


def unknown_words(catalogue: Catalogue, plan: Plan) -> Iterator[str]:
    """A note for each model and task of local files with many words that it cannot learn.

    Nothing is said of a tokenizer that is not here yet, but for those of generated worlds, of which
    the words are made up again: that takes seconds, once for each world.
    """
    told = set()
    tokenizers: dict[str, Any] = {}
    for run in plan.runs:
        for name in (part for stage in run.stages[1:] for part, _ in parse_mixture(stage)):
            if (run.model, name) in told or name not in catalogue.tasks:
                continue
            told.add((run.model, name))
            data = plan.data.get((catalogue.tasks[name].source, run.world_seed))
            if data is None or data.spec.get("source") != "files":
                continue
            base = _base(plan, run)
            if base.id not in tokenizers:
                tokenizers[base.id] = _tokenizer(plan, base)
            share = _share(tokenizers[base.id], data)
            if share >= BOUND:
                yield (
                    f"tasks.{name}: {share:.0%} of the words in its first rows are unknown to the "
                    f"model {run.model!r}: {NOT_WRITABLE}; name another in `models`"
                    f"{_of_world(base)}."
                )


def _of_world(base: Node) -> str:
    if "architecture" not in base.spec:
        return ""
    return (
        ", as this one knows no words but those of its generated world (`smollm2` is one of a "
        "package: a run needs no hub for it, but 6 GB of memory)"
    )


def _base(plan: Plan, run: Run) -> Node:
    """The base whose tokenizer a run has: derived ones have that of the first."""
    base = plan.nodes[run.checkpoints[0]]
    while base.kind == "stage":
        base = plan.nodes[base.spec["parent"]]
    return base


def _share(found: "tuple[Tokenizer, str] | None", data: Node) -> float:
    """The share of unknown words; 0 where the tokenizer or the texts are not known before a job."""
    from lethe.sources.prepare import first_texts

    if found is None:
        return 0.0
    tokenizer, unknown = found
    tokens = [
        token
        for text in first_texts(data.spec, CHECKED_ROWS)
        for token in tokenizer.encode(text, add_special_tokens=False).tokens
    ]
    return tokens.count(unknown) / max(len(tokens), 1)


def _tokenizer(plan: Plan, base: Node) -> "tuple[Tokenizer, str] | None":
    """A base's tokenizer and its unknown token; None if it is not here or can write every text."""
    if "architecture" not in base.spec:
        folder = base_folder(base.spec, plan.results)
        return None if folder is None else _in_folder(folder)
    data = plan.nodes[base.spec["data"]]
    made = node_directory(plan.results, "data", data.id) / "tokenizer"
    if (made / FILE).is_file():
        return _in_folder(made)
    return _of_world_to_be(data) if data.spec.get("source") == "world" else None


def _of_world_to_be(data: Node) -> "tuple[Tokenizer, str]":
    """The tokenizer of a world's words, which are kept: making up the world takes seconds."""
    from lethe.sources.world.build import contents
    from lethe.sources.world.tokens import UNKNOWN, of_words

    text = cached(
        digest([code_of("data", data.spec), data.spec]),
        lambda: json.dumps(contents(data.spec).words()),
        lambda found: _words(found) is not None,
    )
    return of_words(_words(text)), UNKNOWN


def _words(text: str) -> dict[str, int] | None:
    """Words with their numbers as they were written; None if a text holds none."""
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    numbered = isinstance(words, dict) and words
    return words if numbered and [*words.values()] == [*range(len(words))] else None


def _in_folder(folder: Path) -> "tuple[Tokenizer, str] | None":
    from tokenizers import Tokenizer

    if not (folder / FILE).is_file() or not (folder / SETTINGS).is_file():
        return None
    settings = read_object(folder / SETTINGS)
    unknown = unknown_token(*(_named(settings, key) for key in ("unk_token", "eos_token")))
    # What cannot be read here is told of by the job that loads the model.
    try:
        return (Tokenizer.from_file(str(folder / FILE)), unknown) if unknown else None
    except Exception:  # the library raises nothing narrower
        return None


def _named(settings: dict[str, Any], key: str) -> str | None:
    token = settings.get(key)
    return token.get("content") if isinstance(token, dict) else token
