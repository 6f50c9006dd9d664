"""lethe claims: test published claims on a study's scores, beside the published numbers."""

import argparse
from dataclasses import replace
from pathlib import Path

from lethe.artefacts.study_files import checked_files, read_record
from lethe.commands.arguments import add_code_argument
from lethe.commands.from_tables import code_for, publish
from lethe.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe claims`."""
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.csv")
    parser.add_argument("--metrics", type=Path, required=True, help="the study's metrics.csv")
    parser.add_argument("--claims", type=Path, required=True, help="the study's claims, JSON")
    parser.add_argument(
        "--published", type=Path, help="published numbers, CSV, with its -models.csv beside it"
    )
    add_code_argument(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for claims.csv, .md, .tex")


def run(args: argparse.Namespace) -> int:
    """Test and write; UserError if a table or the record is not valid."""
    from lethe.artefacts.paths import LUO2023
    from lethe.claims.layout import save_claims
    from lethe.claims.report import tested
    from lethe.longtables.tables import read_long_tables

    code = code_for(args, "claims", "claims")
    record = read_record(args.claims)
    if not isinstance(record, dict) or not isinstance(record.get("claims"), list):
        raise UserError(f"{args.claims}: expected a record with a list `claims`, found none.")
    inputs = {**checked_files([args.scores, args.metrics]), "claims": args.claims.stem}
    tables = read_long_tables(args.scores, args.metrics)
    table = tested(tables, record["claims"], args.published or LUO2023)
    table = replace(table, notes=tuple(filter(None, [tables.on_dev])))
    written = save_claims(table, args.out)
    publish("claims", "claims", written, inputs, code)
    return 0
