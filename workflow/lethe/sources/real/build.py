"""Builds the real data from packages: evaluation sets, instruction tasks, pieces of prose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lethe.artefacts.files import write_atomic, write_json
from lethe.artefacts.jsonlines import write_rows
from lethe.sources.real import (
    capitals,
    leakage,
    prose_sets,
    shortcuts,
    task_files,
    text_tasks,
    word_sets,
    word_tasks,
)
from lethe.sources.real.balance import balanced, split_fours
from lethe.sources.real.manual import read_manual
from lethe.sources.real.packages import Part
from lethe.sources.real.pieces import documents_by_split, pieces
from lethe.sources.real.prose import PROSE, Document, read_prose
from lethe.sources.real.quads import SIZE, fours, rows_of
from lethe.sources.real.wordnet import Wordnet, read_wordnet
from lethe.sources.world.parts import stream

# Fours of questions that one document may give.
OF_DOCUMENT = 4


@dataclass(frozen=True)
class Packages:
    """What the packages hold."""

    net: Wordnet
    documents: dict[str, list[Document]]
    """By split; a document is in one."""
    capitals: list[capitals.Capital]
    manual: dict[str, str]


def read_packages(seed: int, parts: dict[str, Part]) -> Packages:
    """Everything in the packages that data is made from.

    Args:
        seed: of the data, with which documents are assigned to splits.
        parts: by name: wordnet, speeches, novel, countries, manual.

    Raises:
        UserError: a package lacks a file, or a file is not what it should be.
    """
    return Packages(
        read_wordnet(parts["wordnet"]),
        documents_by_split(stream(seed, "documents"), read_prose(parts)),
        capitals.read_capitals(parts["countries"]),
        read_manual(parts["manual"]),
    )


def generate_sets(spec: dict, packages: Packages) -> leakage.Rows:
    """Rows of the seven sets by name and split.

    Raises:
        UserError: the packages have too few questions for a set of words.
    """
    seed, items, net = spec["seed"], spec["items"], packages.net
    nouns = word_sets.common_nouns(net, stream(seed, "nouns"))
    asked = {
        # No noun is asked about in two sets.
        "definitions": (word_sets.definitions(net, nouns[::3]), word_sets.apart(net)),
        "words": (word_sets.words(net, nouns[1::3]), word_sets.apart(net)),
        "kinds": (word_sets.kinds(net, nouns[2::3]), word_sets.other_kind),
        "opposites": (word_sets.opposites(net, stream(seed, "opposites")), word_sets.same_part),
    }
    groups = {
        name: fours(questions, fit, len(questions)) for name, (questions, fit) in asked.items()
    }
    split = {
        # There are only so many pairs of opposites.
        name: split_fours(found, items, name, needed=name != "opposites")
        for name, found in groups.items()
    }
    split["capitals"] = {
        name: balanced(found, items[name] // SIZE)
        for name, found in capitals.capital_fours(
            packages.capitals, stream(seed, "capitals")
        ).items()
    }
    split |= _of_prose(spec, packages)
    return {
        name: {
            part: rows_of(stream(seed, f"{name}-{part}"), f"{name}-{part}", found)
            for part, found in parts.items()
        }
        for name, parts in split.items()
    }


def _of_prose(spec: dict, packages: Packages) -> dict[str, dict[str, list]]:
    """Fours of the sets about prose by name and split; each split has documents of its own."""
    nouns = frozenset(
        word
        for word, part in packages.net.plain
        if part == "n"
        and len(word) > 3
        and not any((word, p) in packages.net.senses for p in "var")
    )
    found: dict[str, dict[str, list]] = {"endings": {}, "gaps": {}}
    for split in ("test", "dev"):
        documents, most = packages.documents[split], spec["items"][split] // SIZE
        rng = stream(spec["seed"], f"prose-{split}")
        endings = prose_sets.ending_fours(documents, rng, OF_DOCUMENT)
        gaps = prose_sets.gap_fours(documents, nouns, rng, OF_DOCUMENT)
        found["endings"][split], found["gaps"][split] = (
            balanced(endings, most),
            balanced(gaps, most),
        )
    return found


def generate_tasks(spec: dict, packages: Packages, sets: leakage.Rows) -> leakage.Rows:
    """Rows of the five tasks by name and split; none teaches what a set asks.

    Raises:
        UserError: the packages have too few rows for a task.
    """
    net = packages.net
    asked = leakage.rows_in(sets, leakage.WORD_SETS)
    words = {word for row in asked for word in row["subjects"]}
    telling = leakage.Telling(asked)
    held = {
        text_tasks.bare(sentence)
        for split in ("dev", "test")
        for document in packages.documents[split]
        for sentence in document.sentences
    }

    def fresh(word: str) -> bool:
        return word not in words

    made = {
        "restore": text_tasks.restorations(packages.documents["train"], held),
        "sort": word_tasks.sorts(net, fresh, stream(spec["seed"], "sort")),
        "manual": text_tasks.entries(packages.manual, fresh),
        "example": word_tasks.examples(net, fresh),
        "path": word_tasks.paths(net, fresh),
    }
    return {
        name: word_tasks.drawn(
            stream(spec["seed"], f"task-{name}"),
            rows,
            spec["rows"],
            name,
            lambda row: telling.tells(leakage.text_of(row)),
        )
        for name, rows in made.items()
    }


def build_real(spec: dict, parts: dict[str, Part], directory: Path) -> dict:
    """Write all files under `directory`.

    Args:
        spec: every value of `RealParameters`.
        parts: as in `read_packages`.
        directory: where the files go: tasks/, eval/, prose/, leakage.json and shortcuts.json.

    Returns:
        Facts for the manifest: the spec, the rows of every file, leaks and shortcuts.

    Raises:
        UserError: a package lacks what is needed, a leakage rule is broken, or a shortcut solves
            a set.
    """
    packages = read_packages(spec["seed"], parts)
    sets = generate_sets(spec, packages)
    tasks = generate_tasks(spec, packages, sets)
    prose = pieces(spec, packages.documents)
    leaks = leakage.count_leaks(sets, tasks, prose)
    leakage.check(leaks)
    texts = (" ".join(document.sentences) for document in packages.documents["train"])
    short = shortcuts.shortcut_rows({name: parts["test"] for name, parts in sets.items()}, texts)
    shortcuts.check(short)
    files = _files(sets, tasks, prose)
    for name, rows in files.items():
        write_rows(directory / name, rows)
    for name, content in task_files.described(list(sets)).items():
        write_atomic(directory / name, content)
    write_atomic(directory / "eval" / "generation.py", task_files.MODULE)
    write_json(directory / "leakage.json", leaks)
    write_json(directory / "shortcuts.json", short)
    return {
        "real": spec,
        "rows": {name: len(rows) for name, rows in files.items()},
        "leakage": leaks,
        "shortcuts": short,
    }


def _files(sets: leakage.Rows, tasks: leakage.Rows, prose: leakage.Rows) -> dict[str, list[dict]]:
    """Rows by file, without what only the rules of leakage need."""
    named = {f"eval/data/{name}/{split}.jsonl": sets[name][split]
             for name in sets for split in ("dev", "test")}  # fmt: skip
    for name, splits in tasks.items():
        named |= {f"tasks/{name}/{split}.jsonl": rows for split, rows in splits.items()}
        named |= {f"eval/data/own_{name}/{s}.jsonl": splits[s] for s in ("dev", "test")}
    for name in PROSE:
        named |= {f"prose/{name}/{split}.jsonl": rows for split, rows in prose[name].items()}
    return {
        name: [{k: v for k, v in row.items() if k not in ("subjects", "told")} for row in rows]
        for name, rows in named.items()
    }
