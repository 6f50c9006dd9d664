"""lethe figure NAME: draw one figure of a study from its tables, as PDF, PNG and plotted CSV.

A figure is a module of `lethe.figures` with `draw(tables) -> Drawn`.
"""

import argparse
import importlib
from contextlib import contextmanager
from pathlib import Path

from lethe.artefacts.paths import FIGURE_STYLE
from lethe.commands import from_tables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe figure`."""
    from_tables.add_arguments(parser, "figures", ".pdf, .png, .csv")


def run(args: argparse.Namespace) -> int:
    """Draw and write; UserError for an unknown name or a table that breaks its schema."""
    tables, inputs = from_tables.long_tables(args, "figures")
    for name in args.name:
        code = from_tables.code_for(args, "figure", name)
        written = render(name, tables, args.out)
        from_tables.publish("figure", name, written, inputs, code)
    return 0


def render(name: str, tables, directory: Path) -> list[Path]:
    """Draw one figure in the project's style and write its three files."""
    from lethe.figures.appearance import drawable
    from lethe.figures.drawing import save

    with style():
        drawn = importlib.import_module(f"lethe.figures.{name}").draw(drawable(tables))
        return save(drawn, directory, name)


@contextmanager
def style():
    """The project's style; a user's own matplotlibrc is ignored."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rc_file(FIGURE_STYLE, use_default_template=False)
        yield
