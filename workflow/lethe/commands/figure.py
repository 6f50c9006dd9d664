"""lethe figure NAME: draw one figure of a study from its tables, as PDF, PNG and plotted CSV."""

import argparse
import importlib
from contextlib import contextmanager
from pathlib import Path

from lethe.artefacts.paths import FIGURE_STYLE
from lethe.errors import UserError

# Each is a module of this package with `draw(tables) -> Drawn`.
FIGURES = (
    "evolution",
    "fg",
    "learning_forgetting",
    "matrix",
    "scale",
    "architecture",
    "instruction_tuning",
    "mixing",
    "bias",
    "end_tasks",
    "importance",
    "compute",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe figure`."""
    parser.add_argument("name", nargs="+", metavar="NAME", help=f"one of {', '.join(FIGURES)}")
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--metrics", type=Path, required=True, help="the study's metrics.csv")
    parser.add_argument("--stages", type=Path, help="its stages.csv, for costs and importances")
    parser.add_argument("--out", type=Path, required=True, help="folder for NAME.pdf, .png, .csv")


def run(args: argparse.Namespace) -> int:
    """Draw and write; UserError for an unknown name or a table that breaks its schema."""
    for name in args.name:
        if name not in FIGURES:
            raise UserError(f"figure: expected one of {', '.join(FIGURES)}, found {name!r}")
    from lethe.longtables.tables import read_long_tables

    tables = read_long_tables(args.scores, args.metrics, args.stages)
    for name in args.name:
        for path in render(name, tables, args.out):
            print(path)
    return 0


def render(name: str, tables, directory: Path) -> list[Path]:
    """Draw one figure in the project's style and write its three files."""
    from lethe.figures.drawing import save

    with style():
        drawn = importlib.import_module(f"lethe.figures.{name}").draw(tables)
        return save(drawn, directory, name)


@contextmanager
def style():
    """The project's look, whatever a user's own matplotlibrc says."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rc_file(FIGURE_STYLE, use_default_template=False)
        yield
