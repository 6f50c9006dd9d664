"""Every metric of a study with its interval, from the two long tables."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--items", type=Path, required=True, help="the study's items.csv.gz")
    parser.add_argument("--seed", type=int, default=0, help="bootstrap seed")
    parser.add_argument("--out", type=Path, required=True, help="metrics.csv to write")


def run(arguments: argparse.Namespace) -> None:
    from lethe.longtables.tables import read_items, read_scores, write_metrics
    from lethe.metrics.study import study_metrics

    scores, items = read_scores(arguments.scores), read_items(arguments.items)
    metrics = study_metrics(scores, items, arguments.seed)
    write_metrics(arguments.out, metrics)
    print(f"{len(metrics)} metrics")
