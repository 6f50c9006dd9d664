"""lethe study-metrics: the metrics table of a study from its two long tables."""

import argparse
from pathlib import Path

from lethe.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe study-metrics`."""
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--items", type=Path, required=True, help="the study's items.csv.gz")
    parser.add_argument("--seed", type=int, required=True, help="bootstrap seed, from 0")
    parser.add_argument(
        "--resamples", type=int, default=1000, help="bootstrap resamples (default: 1000)"
    )
    parser.add_argument("--out", type=Path, required=True, help="metrics.csv to write")


def run(args: argparse.Namespace) -> int:
    """Compute and write; UserError for a table that breaks its schema or mixes its conditions."""
    if args.seed < 0 or args.resamples < 1:
        raise UserError("study-metrics: expected --seed from 0 and --resamples from 1")
    from lethe.longtables import read_items, read_scores, write_metrics
    from lethe.metrics.study import study_metrics

    scores, items = read_scores(args.scores), read_items(args.items)
    write_metrics(args.out, study_metrics(scores, items, args.seed, args.resamples))
    print(args.out)
    return 0
