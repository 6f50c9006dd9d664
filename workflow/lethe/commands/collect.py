"""Gather a study's results into scores.csv and tables of items, its stages into stages.csv."""

import argparse
from pathlib import Path
from typing import Any

from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.nodes import altered_inputs_set_aside
from lethe.artefacts.paths import node_manifest, work_directory
from lethe.artefacts.study_files import ITEMS, publish_study_files, read_record
from lethe.commands.arguments import add_code_argument, code_to_record
from lethe.errors import UserError
from lethe.longtables.collect import gather
from lethe.longtables.items import ItemsWriter
from lethe.longtables.rows import ITEMS_VERSION
from lethe.longtables.stage_rows import stage_rows
from lethe.longtables.tables import write_scores, write_stages
from lethe.planning.code import code_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", type=Path, help="the study's record, in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    add_code_argument(parser)
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv to write")
    parser.add_argument("--items", type=Path, required=True, help="folder of items to write")
    parser.add_argument("--stages", type=Path, required=True, help="stages.csv to write")


def run(arguments: argparse.Namespace) -> None:
    code = code_to_record(arguments.code, lambda: code_of("collect", {}))
    record = read_record(arguments.record)
    require_one_folder(arguments.scores, arguments.items, arguments.stages)
    work = work_directory(arguments.results, f"collect-{arguments.record.stem}")
    with ItemsWriter(arguments.items, work) as items:
        with altered_inputs_set_aside():
            inputs = record_inputs(arguments.record, record, arguments.results)
            scores = gather(record, arguments.results, items)
            stages = stage_rows(record, arguments.results)
        write_stages(arguments.stages, stages)
        files = [arguments.scores, arguments.stages, *items.finish()]
    write_scores(arguments.scores, scores)
    publish_study_files("collect", "collect", files, inputs, code)
    print(f"{len(scores)} scores, {items.rows} items, {len(stages)} numbers of stages")


def require_one_folder(scores: Path, items: Path, stages: Path) -> None:
    """Refuse places from which the other commands would not find all that belongs together.

    Raises:
        UserError: names the argument.
    """
    for name, path in (("--items", items), ("--stages", stages)):
        if path.parent != scores.parent:
            raise UserError(f"{name}: expected a place in {scores.parent}, found {path}.")
    if items.name != ITEMS:
        raise UserError(f"--items: expected a folder called {ITEMS!r}, found {items.name!r}.")


def record_inputs(path: Path, record: dict[str, Any], results: Path) -> dict[str, str]:
    """What the long tables are made from: the record, and the content of every node with scores."""
    inputs = {"record": path.stem, "items_version": str(ITEMS_VERSION)}
    for kind, key in (("probe", "probes"), ("end_task", "end_tasks")):
        for node in sorted({node for nodes in record.get(key, {}).values() for node in nodes}):
            inputs[node] = read_manifest(node_manifest(results, kind, node))["content"]
    return inputs
