"""Join the parts of a study that were run apart, over other seeds or worlds, into one study.

Metrics, tables, figures and claims are made of the whole.
"""

import argparse
from pathlib import Path

from lethe.artefacts.output_folder import require_writable
from lethe.artefacts.study_files import ITEMS
from lethe.commands.render import draw, pages, resummarize
from lethe.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe assemble`."""
    parser.add_argument(
        "part",
        nargs="+",
        type=Path,
        help="folder of a part: results/studies/NAME of a run, or one that `lethe keep` wrote",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the whole")


def run(args: argparse.Namespace) -> None:
    """Join and draw; UserError if the parts are not parts of one study."""
    from lethe.longtables.assembling import join_records, join_table, require_repetitions
    from lethe.longtables.schema import write_table
    from lethe.longtables.study_folder import open_study
    from lethe.longtables.study_record import write_study_record

    require_parts(args.part, args.out)
    parts = {str(folder): open_study(folder) for folder in args.part}
    record = join_records({part: study.record for part, study in parts.items()}, args.out.name)
    scores = {part: study.frame("scores") for part, study in parts.items()}
    require_repetitions(scores)
    require_writable(args.out)
    join_all_items(parts, args.out)
    stages = {
        part: study.frame("stages") for part, study in parts.items() if "stages" in study.tables
    }
    if stages:
        write_table("stages", args.out / "stages.csv", join_table("stages", stages))
    write_table("scores", args.out / "scores.csv", join_table("scores", scores))
    resummarize(args.out, record.bootstrap_seed)
    # Last, for a folder with a record is taken for a whole one.
    write_study_record(args.out, record)
    draw(args.out, record, pages(record, None))


def require_parts(parts: list[Path], out: Path) -> None:
    """Refuse a single part, one that is named twice, and a whole that would be one of its parts.

    Raises:
        UserError: names the argument.
    """
    places = [part.resolve() for part in parts]
    if len(parts) < 2:
        raise UserError(f"expected two or more parts of a study, found {parts[0]} alone.")
    if len(set(places)) < len(places):
        raise UserError(f"a part is named twice: {', '.join(map(str, parts))}.")
    if out.resolve() in places:
        raise UserError(f"--out: expected a folder other than those of the parts, found {out}.")


def join_all_items(parts: dict, out: Path) -> None:
    """Write the tables of items of the whole."""
    from lethe.longtables.items import ItemsWriter
    from lethe.longtables.joined_items import join_items

    items = {part: study.items() for part, study in parts.items()}
    with ItemsWriter(out / ITEMS, out / f".{ITEMS}") as writer:
        join_items(items, writer)
        writer.finish()
