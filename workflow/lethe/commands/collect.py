"""Gather a study's results into scores.csv and items.csv.gz, and its stages into stages.csv."""

import argparse
from pathlib import Path
from typing import Any

from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.nodes import altered_inputs_set_aside
from lethe.artefacts.paths import node_manifest
from lethe.artefacts.study_files import publish_study_files, read_record
from lethe.commands.arguments import add_code_argument, code_to_record
from lethe.longtables.collect import gather
from lethe.longtables.stage_rows import stage_rows
from lethe.longtables.tables import write_items, write_scores, write_stages
from lethe.planning.code import code_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", type=Path, help="the study's record, in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    add_code_argument(parser)
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv to write")
    parser.add_argument("--items", type=Path, required=True, help="items.csv.gz to write")
    parser.add_argument("--stages", type=Path, required=True, help="stages.csv to write")


def run(arguments: argparse.Namespace) -> None:
    code = code_to_record(arguments.code, lambda: code_of("collect", {}))
    record = read_record(arguments.record)
    with altered_inputs_set_aside():
        inputs = record_inputs(arguments.record, record, arguments.results)
        scores, items = gather(record, arguments.results)
        stages = stage_rows(record, arguments.results)
    write_stages(arguments.stages, stages)
    write_items(arguments.items, items)
    write_scores(arguments.scores, scores)
    files = [arguments.scores, arguments.items, arguments.stages]
    publish_study_files("collect", "collect", files, inputs, code)
    print(f"{len(scores)} scores, {len(items)} items, {len(stages)} numbers of stages")


def record_inputs(path: Path, record: dict[str, Any], results: Path) -> dict[str, str]:
    """What the long tables are made from: the record, and the content of every node with scores."""
    inputs = {"record": path.stem}
    for kind, key in (("probe", "probes"), ("end_task", "end_tasks")):
        for node in sorted({node for nodes in record.get(key, {}).values() for node in nodes}):
            inputs[node] = read_manifest(node_manifest(results, kind, node))["content"]
    return inputs
