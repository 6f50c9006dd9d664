"""What `lethe table` and `lethe figure` share: arguments, known names, their long tables."""

import argparse
from pathlib import Path

from lethe.artefacts.study_files import checked_files, publish_study_files
from lethe.commands.arguments import add_code_argument, code_to_record
from lethe.config.by_file import names_in, require_file
from lethe.planning.code import code_of

OTHERS = {
    "stages": "costs and importances",
    "changes": "single items",
    "calibration": "probabilities",
}
"""Long tables that only some tables and figures read, and what these show."""


def add_arguments(parser: argparse.ArgumentParser, kind: str, suffixes: str) -> None:
    """Arguments of a verb that makes files of one kind (`tables`, `figures`) from long tables."""
    parser.add_argument(
        "name", nargs="+", metavar="NAME", help=f"one of {', '.join(names_in(kind))}"
    )
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--metrics", type=Path, required=True, help="the study's metrics.csv")
    for name, what in OTHERS.items():
        parser.add_argument(f"--{name}", type=Path, help=f"its {name}.csv, for {what}")
    add_code_argument(parser)
    parser.add_argument("--out", type=Path, required=True, help=f"folder for NAME{suffixes}")


def long_tables(args: argparse.Namespace, kind: str):
    """(The long tables, once every name is known; sha256 of their files by name).

    Raises:
        UserError: an unknown name, or a table that was altered or breaks its schema.
    """
    for name in args.name:
        require_file(kind.removesuffix("s"), kind, name)
    from lethe.longtables.tables import read_long_tables

    others = {name: getattr(args, name) for name in OTHERS}
    inputs = checked_files([args.scores, args.metrics, *filter(None, others.values())])
    return read_long_tables(args.scores, args.metrics, **others), inputs


def code_for(args: argparse.Namespace, rule: str, name: str) -> str:
    """The code that makes a table or figure; UserError if another was wanted."""
    return code_to_record(args.code, lambda: code_of(rule, {}, name=name))


def publish(rule: str, name: str, written: list[Path], inputs: dict[str, str], code: str) -> None:
    """Print the files of a table or figure, and write beside them what they were made from."""
    for path in written:
        print(path)
    publish_study_files(rule, name, written, inputs, code)
