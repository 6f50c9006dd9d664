"""Gather a study's results into scores.csv and items.csv.gz, and its stages into stages.csv."""

import argparse
from pathlib import Path

from lethe.artefacts.files import read_json
from lethe.longtables.collect import gather
from lethe.longtables.stage_rows import stage_rows
from lethe.longtables.tables import write_items, write_scores, write_stages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", type=Path, help="the study's record, in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv to write")
    parser.add_argument("--items", type=Path, required=True, help="items.csv.gz to write")
    parser.add_argument("--stages", type=Path, required=True, help="stages.csv to write")


def run(arguments: argparse.Namespace) -> None:
    record = read_json(arguments.record)
    scores, items = gather(record, arguments.results)
    stages = stage_rows(record, arguments.results)
    write_stages(arguments.stages, stages)
    write_items(arguments.items, items)
    write_scores(arguments.scores, scores)
    print(f"{len(scores)} scores, {len(items)} items, {len(stages)} numbers of stages")
