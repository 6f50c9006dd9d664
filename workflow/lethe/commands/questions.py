"""The items of a study for a reader: the texts of every set, and a page of what was lost."""

import argparse
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from lethe.artefacts.manifests import inside, read_manifest, verify
from lethe.artefacts.nodes import read_spec
from lethe.artefacts.paths import MANIFEST, node_directory, node_manifest
from lethe.artefacts.strict_json import digest
from lethe.artefacts.study_files import checked_files, publish_study_files, read_record
from lethe.commands.arguments import add_code_argument, code_to_record
from lethe.errors import UserError
from lethe.evaluation.cloze_texts import cloze_questions
from lethe.longtables.questions import (
    Question,
    file_of,
    has_questions,
    question_nodes,
    write_questions,
)
from lethe.planning.code import code_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", type=Path, help="the study's record, in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--items", type=Path, required=True, help="the study's folder of items")
    add_code_argument(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for SET.jsonl, SET.html")


def run(arguments: argparse.Namespace) -> None:
    from lethe.longtables.tables import read_scores
    from lethe.questions.study import write_pages

    code = code_to_record(arguments.code, lambda: code_of("questions", {}))
    record = read_record(arguments.record)
    specs = probe_specs(record, arguments.results)
    inputs = {"record": arguments.record.stem, **checked_files([arguments.scores, arguments.items])}
    for kind, node in question_nodes(specs):
        inputs[node] = read_manifest(node_manifest(arguments.results, kind, node))["content"]
    arguments.out.mkdir(parents=True, exist_ok=True)
    texts = write_texts(specs, arguments.results, arguments.out)
    pages = write_pages(read_scores(arguments.scores), arguments.items, arguments.out)
    files = sorted([*texts, *pages])
    for old in {*arguments.out.glob("*.jsonl"), *arguments.out.glob("*.html")} - set(files):
        old.unlink()
    publish_study_files("questions", "questions", files, inputs, code, arguments.out)
    print(f"{len(pages)} sets, {len(texts)} with texts")


def probe_specs(record: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    """The specs of a study's probes, those of the same questions once."""
    nodes = sorted({node for nodes in record["probes"].values() for node in nodes})
    specs: dict[str, dict] = {}
    for node in nodes:
        spec = read_spec(results, node)
        of = {key: spec.get(key) for key in ("include", "limit", "split", "tasks", "imported")}
        specs.setdefault(digest(of), spec)
    return list(specs.values())


def write_texts(specs: list[dict[str, Any]], results: Path, folder: Path) -> list[Path]:
    """Write the texts of every set that has any; a set whose documents are gone is reported.

    Fetched documents may have been removed to save space. Scores are valid without them.
    """
    sets: dict[str, list[tuple[dict, dict]]] = {}
    for spec in specs:
        for task in filter(has_questions, spec["tasks"]):
            sets.setdefault(task["name"], []).append((task, spec))
    written = []
    for name, asked in sorted(sets.items()):
        parts = (questions_of(task, spec, results) for task, spec in asked)
        path = file_of(folder, name)
        try:
            count = write_questions(path, chain.from_iterable(parts))
        except UserError as error:
            print(f"{name}: its texts are not kept: {error}")
            continue
        if count:
            written.append(path)
    return written


def questions_of(task: dict[str, Any], spec: dict[str, Any], results: Path) -> Iterator[Question]:
    """The texts of one set, from its documents or from samples that were imported."""
    if "imported" in spec:
        from lethe.imported.scores import imported_questions

        return imported_questions(task, spec)
    if task["data"]:
        kind = task["data_kind"]
        verify(node_directory(results, kind, task["data"]), MANIFEST[kind])
    if task.get("texts"):
        folder = node_directory(results, task["data_kind"], task["data"])
        return cloze_questions(
            inside(folder, task["texts"].format(split=spec["split"])), spec["limit"]
        )
    # Evaluation imports torch, which imported samples do not need.
    from lethe.evaluation.probe_tasks import eval_task
    from lethe.evaluation.questions import questions

    return questions(eval_task(task, results, spec))
