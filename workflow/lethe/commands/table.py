"""lethe table NAME: write one or more tables of a study as CSV, Markdown and LaTeX.

A table is a module of `lethe.tables` with `build(tables) -> Table`.
"""

import argparse
import importlib
from pathlib import Path

from lethe.config.by_file import names_in, require_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe table`."""
    parser.add_argument(
        "name", nargs="+", metavar="NAME", help=f"one of {', '.join(names_in('tables'))}"
    )
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--metrics", type=Path, required=True, help="the study's metrics.csv")
    parser.add_argument("--stages", type=Path, help="its stages.csv, for costs and importances")
    parser.add_argument("--out", type=Path, required=True, help="folder for NAME.csv, .md, .tex")


def run(args: argparse.Namespace) -> int:
    """Build and write; UserError for an unknown name or a table that breaks its schema."""
    for name in args.name:
        require_file("table", "tables", name)
    from lethe.longtables.tables import read_long_tables
    from lethe.tables.writing import save

    tables = read_long_tables(args.scores, args.metrics, args.stages)
    for name in args.name:
        built = importlib.import_module(f"lethe.tables.{name}").build(tables)
        for path in save(built, args.out, name):
            print(path)
    return 0
