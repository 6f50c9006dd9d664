"""Every metric of a study with its interval, from its scores and items."""

import argparse
from pathlib import Path

from lethe.artefacts.study_files import checked_files, publish_study_files
from lethe.commands.arguments import add_code_argument, code_to_record
from lethe.planning.code import code_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--items", type=Path, required=True, help="the study's folder of items")
    add_code_argument(parser)
    parser.add_argument("--seed", type=int, default=0, help="bootstrap seed")
    parser.add_argument("--out", type=Path, required=True, help="metrics.csv to write")


def run(arguments: argparse.Namespace) -> None:
    from lethe.longtables.items import ItemTables
    from lethe.longtables.tables import read_scores, write_metrics
    from lethe.metrics.study import study_metrics

    code = code_to_record(arguments.code, lambda: code_of("summarize", {}))
    inputs = checked_files([arguments.scores, arguments.items])
    scores = read_scores(arguments.scores)
    metrics = study_metrics(scores, ItemTables(arguments.items), arguments.seed)
    write_metrics(arguments.out, metrics)
    inputs["seed"] = str(arguments.seed)
    publish_study_files("summarize", "summarize", [arguments.out], inputs, code)
    print(f"{len(metrics)} metrics")
