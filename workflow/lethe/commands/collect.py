"""Gather a study's probe results into scores.csv and items.csv.gz."""

import argparse
from pathlib import Path

from lethe.artefacts import read_json
from lethe.collect import gather
from lethe.longtables import write_items, write_scores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", type=Path, help="the study's record, in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv to write")
    parser.add_argument("--items", type=Path, required=True, help="items.csv.gz to write")


def run(arguments: argparse.Namespace) -> None:
    scores, items = gather(read_json(arguments.record), arguments.results)
    write_items(arguments.items, items)
    write_scores(arguments.scores, scores)
    print(f"{len(scores)} scores, {len(items)} items")
