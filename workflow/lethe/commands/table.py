"""lethe table NAME: write one or more tables of a study as CSV, Markdown, LaTeX and HTML.

A table is a module of `lethe.tables` with `build(tables) -> Table`.
"""

import argparse
import importlib
from dataclasses import replace

from lethe.commands import from_tables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe table`."""
    from_tables.add_arguments(parser, "tables", ".csv, .md, .tex, .html")


def run(args: argparse.Namespace) -> int:
    """Build and write; UserError for an unknown name or a table that breaks its schema."""
    tables, inputs = from_tables.long_tables(args, "tables")
    from lethe.metrics.warnings import notes_for, study_warnings
    from lethe.tables.saving import save

    warnings = study_warnings(tables.scores, tables.stages)
    first = tuple(filter(None, [tables.on_dev]))
    for name in args.name:
        code = from_tables.code_for(args, "table", name)
        built = importlib.import_module(f"lethe.tables.{name}").build(tables)
        built = replace(built, notes=first + notes_for(built.frame, warnings))
        written = save(built, args.out, name)
        from_tables.publish("table", name, written, inputs, code)
    return 0
