"""Join the parts of a study that were run apart, over other seeds or worlds, into one study.

Metrics, tables, figures and claims are made of the whole.
"""

import argparse
from pathlib import Path

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
    from lethe.longtables.study_folder import open_study, require_place
    from lethe.longtables.study_record import FILE, write_study_record

    require_parts(args.part)
    require_place(args.out, args.part)
    parts = {str(folder): open_study(folder) for folder in args.part}
    record = join_records({part: study.record for part, study in parts.items()}, args.out.name)
    scores = {part: study.frame("scores") for part, study in parts.items()}
    require_repetitions(scores)
    # A folder with a record is taken for a whole one, so the record is written last.
    (args.out / FILE).unlink(missing_ok=True)
    join_all_items(parts, args.out)
    stages = {
        part: study.frame("stages") for part, study in parts.items() if "stages" in study.tables
    }
    if stages:
        write_table("stages", args.out / "stages.csv", join_table("stages", stages))
    write_table("scores", args.out / "scores.csv", join_table("scores", scores))
    resummarize(args.out, record.bootstrap_seed)
    write_study_record(args.out, record)
    draw(args.out, record, pages(record))


def require_parts(parts: list[Path]) -> None:
    """Refuse a single part, and one that is named twice.

    Raises:
        UserError: says what was found.
    """
    if len(parts) < 2:
        raise UserError(f"expected two or more parts of a study, found {parts[0]} alone.")
    if len({part.resolve() for part in parts}) < len(parts):
        raise UserError(f"a part is named twice: {', '.join(map(str, parts))}.")


def join_all_items(parts: dict, out: Path) -> None:
    """Write the tables of items of the whole."""
    from lethe.longtables.items import ItemsWriter
    from lethe.longtables.joined_items import join_items

    items = {part: study.items() for part, study in parts.items()}
    with ItemsWriter(out / ITEMS, out / f".{ITEMS}") as writer:
        join_items(items, writer)
        writer.finish()
