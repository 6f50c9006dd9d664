"""What `lethe table` and `lethe figure` share: arguments, known names, their long tables."""

import argparse
from pathlib import Path

from lethe.config.by_file import names_in, require_file


def add_arguments(parser: argparse.ArgumentParser, kind: str, suffixes: str) -> None:
    """Arguments of a verb that makes files of one kind (`tables`, `figures`) from long tables."""
    parser.add_argument(
        "name", nargs="+", metavar="NAME", help=f"one of {', '.join(names_in(kind))}"
    )
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--metrics", type=Path, required=True, help="the study's metrics.csv")
    parser.add_argument("--stages", type=Path, help="its stages.csv, for costs and importances")
    parser.add_argument("--out", type=Path, required=True, help=f"folder for NAME{suffixes}")


def long_tables(args: argparse.Namespace, kind: str):
    """The long tables, once every name is known.

    Raises:
        UserError: an unknown name, or a table that breaks its schema.
    """
    for name in args.name:
        require_file(kind.removesuffix("s"), kind, name)
    from lethe.longtables.tables import read_long_tables

    return read_long_tables(args.scores, args.metrics, args.stages)
