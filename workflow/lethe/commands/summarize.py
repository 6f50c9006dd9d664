"""Every metric of a study with its interval, and what became of its items."""

import argparse
from pathlib import Path

from lethe.artefacts.study_files import checked_files, publish_study_files
from lethe.commands.arguments import add_code_argument, code_to_record
from lethe.planning.code import code_of

OTHERS = ("changes", "calibration")
"""Long tables beside the metrics, which are made from single items."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--items", type=Path, required=True, help="the study's folder of items")
    add_code_argument(parser)
    parser.add_argument("--seed", type=int, default=0, help="bootstrap seed")
    parser.add_argument("--out", type=Path, required=True, help="metrics.csv to write")
    for name in OTHERS:
        told = f"{name}.csv to write, in the same folder (default: beside metrics.csv)"
        parser.add_argument(f"--{name}", type=Path, help=told)


def run(arguments: argparse.Namespace) -> None:
    from lethe.longtables.items import ItemTables
    from lethe.longtables.schema import write_table
    from lethe.longtables.tables import read_scores, write_metrics
    from lethe.metrics.calibration import study_calibration
    from lethe.metrics.study import study_metrics
    from lethe.metrics.study_changes import study_changes

    code = code_to_record(arguments.code, lambda: code_of("summarize", {}))
    inputs = checked_files([arguments.scores, arguments.items])
    scores = read_scores(arguments.scores)
    items = ItemTables(arguments.items)
    metrics = study_metrics(scores, items, arguments.seed)
    write_metrics(arguments.out, metrics)
    written = [arguments.out]
    for name, summary in zip(OTHERS, (study_changes, study_calibration), strict=True):
        written.append(getattr(arguments, name) or arguments.out.with_name(f"{name}.csv"))
        write_table(name, written[-1], summary(scores, items.with_choices(), arguments.seed))
    inputs["seed"] = str(arguments.seed)
    publish_study_files("summarize", "summarize", written, inputs, code)
    print(f"{len(metrics)} metrics")
