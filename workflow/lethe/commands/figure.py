"""lethe figure NAME: draw one figure of a study from its tables, with its numbers and its caption.

A figure is a module of `lethe.figures` with `draw(tables, width="...") -> Drawn`; the width that
stands there is the figure's own.
"""

import argparse
import importlib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lethe.artefacts.paths import FIGURE_STYLE
from lethe.commands import from_tables
from lethe.config.pages import FIGURE_WIDTHS

SUFFIXES = ".pdf, .svg, .png, .csv, .txt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe figure`."""
    from_tables.add_arguments(parser, "figures", SUFFIXES)
    parser.add_argument(
        "--width",
        choices=FIGURE_WIDTHS,
        help="width in print: 3.3, 5.5 or 6.5 inches; the figure's own if it is not given",
    )


def run(args: argparse.Namespace) -> int:
    """Draw and write; UserError for an unknown name or a table that breaks its schema."""
    tables, inputs = from_tables.long_tables(args, "figures")
    inputs |= {"width": args.width} if args.width else {}
    for name in args.name:
        code = from_tables.code_for(args, "figure", name)
        written = render(name, tables, args.out, args.width)
        from_tables.publish("figure", name, written, inputs, code)
    return 0


def render(name: str, tables, directory: Path, width: str | None = None) -> list[Path]:
    """Draw one figure in the project's style and write its files."""
    from lethe.figures.drawing import save

    with style():
        return save(draw(name, tables, width), directory, name)


def draw(name: str, tables, width: str | None = None):
    """One figure (`Drawn`), laid out; to be called within `style()`."""
    from lethe.figures.appearance import drawable
    from lethe.figures.drawing import finish

    module = importlib.import_module(f"lethe.figures.{name}")
    drawn = module.draw(drawable(tables), **({"width": width} if width else {}))
    finish(drawn.figure)
    if not tables.on_dev:
        return drawn
    note = f"{tables.on_dev[0].upper()}{tables.on_dev[1:]}."
    return replace(drawn, caption=f"{drawn.caption} {note}".strip())


@contextmanager
def style():
    """Seaborn's theme and the project's style; a user's own matplotlibrc is ignored."""
    import matplotlib
    import seaborn

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        seaborn.set_theme(context="paper", style="whitegrid")
        matplotlib.rc_file(FIGURE_STYLE, use_default_template=False)
        yield
