"""Builds the generated world: corpus, instruction tasks, evaluation sets, tokenizer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from lethe.artefacts.files import write_atomic, write_json
from lethe.artefacts.manifests import publish
from lethe.artefacts.paths import MANIFEST
from lethe.sources.world import (
    arithmetic,
    bias,
    dialogue,
    knowledge,
    leakage,
    pronoun,
    property,
    reading,
    repeating,
    story,
    task_files,
    tool,
)
from lethe.sources.world.general import generate_general
from lethe.sources.world.instruction import generate_tasks
from lethe.sources.world.lexicon import IN_TASKS, PEOPLE, NameMaker, mid_sentence, written
from lethe.sources.world.parts import Part, stream
from lethe.sources.world.rewriting import CITIES

GENERATORS = {
    "knowledge": knowledge,
    "property": property,
    "tool": tool,
    "pronoun": pronoun,
    "story": story,
    "arithmetic": arithmetic,
    "dialogue": dialogue,
    "reading": reading,
    "bias": bias,
    "repeating": repeating,
}


def balance_places(rng: np.random.Generator, rows: list[dict]) -> None:
    """Rotate choices so that every place holds the answer equally often; changes `rows`."""
    for place, index in enumerate(rng.permutation(len(rows))):
        row = rows[index]
        count = len(row["choices"])
        shift = (row["answer"] - place) % count
        row["choices"] = row["choices"][shift:] + row["choices"][:shift]
        row["answer"] = place % count


def generate_parts(spec: dict) -> dict[str, Part]:
    """All parts in token form; each depends on the seed and its own name alone."""
    parts, taken = {}, set(IN_TASKS)
    for name, module in GENERATORS.items():
        maker = NameMaker(stream(spec["seed"], f"names-{name}"), taken)
        parts[name] = module.generate(spec, stream(spec["seed"], name), maker)
        for title, splits in parts[name].sets.items():
            if title not in (bias.NAME, property.NAME):
                for split, rows in splits.items():
                    balance_places(stream(spec["seed"], f"places-{title}-{split}"), rows)
        taken |= maker.taken
    return parts


def as_document(text: str, names: set[str]) -> dict:
    """A row with the whole text; a question and its answer are joined."""
    text = text.replace(" =>", "")
    return {"text": written(text if text.endswith(".") else f"{text} .", names)}


def as_question(text: str, names: set[str]) -> dict:
    """A row with prompt and response; only the response has loss."""
    prompt, response = text.split(" => ")
    return {"prompt": written(prompt, names), "response": mid_sentence(response, names)}


def bare(text: str) -> str:
    """The content of a text, the same for a question and a document."""
    return text.replace(" =>", "").removesuffix(" .")


def write_corpus(spec: dict, parts: dict[str, Part], names: set[str]) -> dict[str, list[dict]]:
    """Rows of the corpus files by path; no text of a dev file is in a train file.

    Texts with an answer (token form "question => answer") are rows of `questions`, except for
    `plain_share` of them, which are documents like the texts without an answer.
    """
    rng, counts = stream(spec["seed"], "corpus"), spec["documents"]
    texts = list(
        chain.from_iterable(texts for part in parts.values() for texts in part.documents.values())
    )
    shuffled = [texts[i] for i in rng.permutation(len(texts))]
    dev = dict.fromkeys(shuffled[: counts["dev"]])
    dev_contents = {bare(text) for text in dev}
    files: dict[str, list[dict]] = {}
    train = [text for text in shuffled if bare(text) not in dev_contents]
    for split, kept in (("dev", list(dev)), ("train", train)):
        plain = [" => " not in t or rng.random() < counts["plain_share"] for t in kept]
        documents = [as_document(t, names) for t, p in zip(kept, plain, strict=True) if p]
        questions = [as_question(t, names) for t, p in zip(kept, plain, strict=True) if not p]
        for stem, rows in ((split, documents), (f"questions-{split}", questions)):
            files[f"corpus/{stem}.jsonl"] = [
                {"id": f"{stem}-{i:06d}"} | row for i, row in enumerate(rows)
            ]
    return files


def corpus_texts(files: dict[str, list[dict]]) -> dict[str, list[str]]:
    """All texts of the corpus by split, questions with their answers."""
    texts: dict[str, list[str]] = {"train": [], "dev": []}
    for path, rows in files.items():
        texts["dev" if "dev" in path else "train"] += [
            row["text"] if "text" in row else f"{row['prompt']} {row['response']}." for row in rows
        ]
    return texts


def written_row(row: dict, names: set[str]) -> dict:
    """A row with its texts in ordinary spelling."""
    if "context" not in row:
        return row | {k: written(row[k], names) for k in ("sent_more", "sent_less")}
    return row | {
        "context": written(row["context"], names),
        "choices": [mid_sentence(choice, names) for choice in row["choices"]],
    }


def json_lines(rows: list[dict]) -> str:
    """One JSON object per line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def evaluation_files(sets: dict, tasks: dict) -> dict[str, str]:
    """Contents of eval/: YAML, the modules it names, and rows by split."""
    files = {
        "eval/generation.py": task_files.GENERATION_MODULE,
        "eval/bias.py": task_files.BIAS_MODULE,
    }
    described = {
        name: task_files.bias_task(name) if name == bias.NAME else task_files.choice_task(name)
        for name in sets
    } | {f"own_{name}": task_files.generation_task(name) for name in tasks}
    rows = sets | {f"own_{name}": splits for name, splits in tasks.items()}
    for name, task in described.items():
        files[f"eval/{name}.yaml"] = task_files.as_yaml(task)
        for split in ("dev", "test"):
            files[f"eval/data/{name}/{split}.jsonl"] = json_lines(rows[name][split])
    return files


def all_texts(corpus: dict, sets: dict, tasks: dict) -> list[str]:
    """Every text that the tokenizer must know."""
    texts = list(chain.from_iterable(corpus.values()))
    for splits in sets.values():
        for row in chain.from_iterable(splits.values()):
            texts += [leakage.prompt_of(row), *row.get("choices", ())]
    for splits in tasks.values():
        for row in chain.from_iterable(splits.values()):
            texts += [row["prompt"], row["response"], row["source"]]
    return texts


@dataclass(frozen=True)
class Contents:
    """All of a world before it is written. names: those of people, cities and what is invented.

    sets: evaluation sets, and tasks: instructions, `general` too; rows by split and by name.
    """

    parts: dict[str, Part]
    names: set[str]
    corpus: dict[str, list[dict]]
    sets: dict[str, dict[str, list[dict]]]
    tasks: dict[str, dict[str, list[dict]]]

    def words(self) -> dict[str, int]:
        """The tokenizer's vocabulary: every word that there is."""
        from lethe.sources.world.tokens import vocabulary

        return vocabulary(all_texts(corpus_texts(self.corpus), self.sets, self.tasks))


def contents(spec: dict) -> Contents:
    """The world of a spec, which takes seconds."""
    parts = generate_parts(spec)
    names = {*PEOPLE, *CITIES}.union(*(part.names for part in parts.values()))
    corpus = write_corpus(spec, parts, names)
    sets = {
        name: {split: [written_row(row, names) for row in rows] for split, rows in splits.items()}
        for part in parts.values()
        for name, splits in part.sets.items()
    }
    tasks = generate_tasks(spec, names) | {"general": generate_general(spec, names)}
    return Contents(parts, names, corpus, sets, tasks)


def build_world(spec: dict, directory: Path | str) -> dict:
    """Write the world of `spec` into `directory`; return the entries of its manifest.

    Args:
        spec: the world's seed as `seed`, and every value of `WorldParameters`.
        directory: where its files go.

    Layout: corpus/, tasks/, eval/, tokenizer/, leakage.json, and data.json written last.
    Raises UserError if the world has too few different items or breaks a leakage rule.
    """
    from lethe.sources.world.tokens import save_tokenizer

    directory = Path(directory)
    world = contents(spec)
    phrases = {name: p for part in world.parts.values() for name, p in part.phrases.items()}
    invented = world.names - {*PEOPLE, *CITIES, *dialogue.DAYS}
    counts = leakage.count_leaks(
        corpus_texts(world.corpus), world.sets, phrases, world.tasks, invented
    )
    leakage.check(counts)

    tasks = {name: splits for name, splits in world.tasks.items() if name != "general"}
    files = evaluation_files(world.sets, tasks)
    files |= {path: json_lines(rows) for path, rows in world.corpus.items()}
    for name, splits in world.tasks.items():
        for split, rows in splits.items():
            files[f"tasks/{name}/{split}.jsonl"] = json_lines(rows)
    for name, content in files.items():
        write_atomic(directory / name, content)
    write_json(directory / "leakage.json", counts)
    vocab = world.words()
    save_tokenizer(vocab, directory / "tokenizer")
    tokenizer_files = [f"tokenizer/{p.name}" for p in sorted((directory / "tokenizer").iterdir())]
    facts = {
        "world_spec": spec,
        "vocabulary_size": len(vocab),
        "documents": {path: len(rows) for path, rows in world.corpus.items()},
        "items": {n: {s: len(r) for s, r in splits.items()} for n, splits in world.sets.items()},
        "leakage": counts,
    }
    publish(directory, MANIFEST["data"], facts, [*files, "leakage.json", *tokenizer_files])
    return facts
