"""Keep a finished study: its long tables as Parquet, from which `lethe render` draws it again."""

import argparse
import json
import shlex
from pathlib import Path

from lethe.commands.named_studies import HELP, study_folder

KEPT = Path("results", "reference")
"""Where studies are kept; git does not ignore it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe keep`."""
    parser.add_argument("folder", type=study_folder, metavar="STUDY", help=f"the study: {HELP}")
    parser.add_argument(
        "--to", type=Path, help=f"folder to write (a folder NAME in {KEPT} by default)"
    )
    parser.add_argument("--json", action="store_true", help="print the files and sizes as JSON")
    parser.add_argument("--items", action="store_true", help="keep the tables of items too")


def run(args: argparse.Namespace) -> None:
    """Keep; UserError if the folder holds no study, or a table was altered."""
    from lethe.longtables.study_folder import keep, open_study

    study = open_study(args.folder)
    to = args.to or KEPT / study.record.study
    files = keep(study, to, args.items)
    if args.json:
        sizes = [{"path": str(path), "bytes": path.stat().st_size} for path in files]
        print(
            json.dumps({"study": study.record.study, "folder": str(to), "files": sizes}, indent=2)
        )
        return
    for path in files:
        print(f"{path}  {path.stat().st_size:,} bytes")
    place = shlex.quote(str(to))
    print(f"Kept in {to}. Next, with no checkpoint needed:")
    print(f"  lethe render {place}  # its tables, figures and claims")
    print(f"  lethe report {place}  # its page")
