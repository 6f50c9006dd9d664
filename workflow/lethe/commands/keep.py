"""Keep a finished study: its long tables as Parquet, from which `lethe render` draws it again."""

import argparse
import json
from pathlib import Path

KEPT = Path("results", "reference")
"""Where studies are kept; git does not ignore it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe keep`."""
    parser.add_argument(
        "folder", type=Path, help="the study's folder, as results/studies/NAME of a finished run"
    )
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
