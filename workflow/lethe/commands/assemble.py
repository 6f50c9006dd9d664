"""Join the parts of a study that were run apart, over other seeds or worlds, into one study.

Metrics, tables, figures and claims are made of the whole.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from lethe.artefacts.study_files import ITEMS
from lethe.commands.render import draw, pages, resummarize
from lethe.errors import UserError

if TYPE_CHECKING:
    from lethe.longtables.planned_whole import PlannedWhole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe assemble`."""
    parser.add_argument(
        "part",
        nargs="+",
        type=Path,
        help="folder of a part: results/studies/NAME of a run, or one that `lethe keep` wrote",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the whole")
    parser.add_argument(
        "--study",
        type=Path,
        metavar="STUDY.yaml",
        help="the study's file: parts may then hold other chains too, and must be all of it",
    )
    parser.add_argument(
        "--without-items",
        action="store_true",
        help="join parts that were kept without their items; intervals over items are then made "
        "from standard errors, not paired, and no items are counted as lost",
    )


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
    planned = planned_whole(args.study) if args.study else None
    require_repetitions(scores, planned)
    if planned:
        planned.require_settings(record.settings)
    # A folder with a record is taken for a whole one, so the record is written last.
    (args.out / FILE).unlink(missing_ok=True)
    if args.without_items:
        record = replace(record, item_sets=[])
        rmtree(args.out / ITEMS, ignore_errors=True)
    else:
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


def planned_whole(file: Path) -> "PlannedWhole":
    """The runs of a study's file, and their settings; UserError if the file is wrong."""
    from lethe.config.reading import read_catalogue, read_study
    from lethe.longtables.planned_whole import PlannedWhole
    from lethe.longtables.settings import chain_settings, chain_words
    from lethe.planning.plan import make_plan

    study = read_study([file])
    plan = make_plan(study, read_catalogue(study))
    settings = {}
    for run in plan.runs:
        end_tasks = [node for one in run.checkpoints for node in plan.end_tasks.get(one, ())]
        digest = chain_settings(run, end_tasks, lambda node: plan.nodes[node].spec)
        if digest is not None:
            settings[chain_words(run)] = digest
    return PlannedWhole(str(file), plan.runs, settings)


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
