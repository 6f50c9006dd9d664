"""lethe precision: are there units enough? Half-widths of a study's claims, without effects."""

import argparse
import json
from typing import TYPE_CHECKING

from lethe.commands.named_studies import HELP, study_folder
from lethe.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

POINTS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe precision`."""
    parser.add_argument("study", type=study_folder, metavar="STUDY", help=f"the study: {HELP}")
    parser.add_argument(
        "--claims", help="names in the catalogue, joined by commas; default: those of the study"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the same as JSON, a number unrounded"
    )
    parser.add_argument(
        "--split",
        default="test",
        choices=("test", "dev"),
        help="sets whose scores are read; n can be planned on dev sets (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the table; UserError if the study is none, or has no claims."""
    from lethe.claims.precision import precision_table, summary, worth_of_cloze
    from lethe.claims.report import claim_cells
    from lethe.claims.verdicts import judge
    from lethe.longtables.study_folder import open_study
    from lethe.longtables.tables import LongTables
    from lethe.metrics.subjects import study_subjects
    from lethe.tables.writing import markdown

    study = open_study(arguments.study)
    named = arguments.claims
    claims = study.record.claims if named is None else _of_catalogue(named)
    if not claims:
        raise UserError(
            f"{arguments.study}: expected a study with claims, found none; name some of the "
            "catalogue with --claims."
        )
    scores, metrics = study.frame("scores"), study.frame("metrics")
    if arguments.split == "dev":
        scores, metrics = on_dev(scores), metrics[:0]
    tables = LongTables(scores=scores, metrics=metrics).parted()
    table = precision_table(judge(claim_cells(tables, claims)))
    worth = list(worth_of_cloze(study_subjects(tables), POINTS))
    if arguments.json:
        rows = json.loads(table.frame.to_json(orient="records"))
        found = {"study": study.record.study, "claims": rows, "summary": summary(table)}
        print(json.dumps(found | {"cloze": worth}, indent=2))
        return 0
    print("\n".join([markdown(table), summary(table), *worth]))
    return 0


def on_dev(scores: "pd.DataFrame") -> "pd.DataFrame":
    """The scores on dev sets, in the place of those on test sets.

    An end task that has no dev set of its own may be one whose test file is a dev set, as where
    methods are tuned: its scores are kept.
    """
    has_dev = set(scores.loc[scores["split"] == "dev", "probe"])
    own = (scores["kind"] == "end_task") & ~scores["probe"].isin(has_dev)
    return scores[(scores["split"] == "dev") | own].assign(split="test")


def _of_catalogue(names: str) -> list[dict]:
    """Records of claims of the catalogue."""
    from lethe.config.reading import DEFAULT, parse_study, read_catalogue, read_yaml
    from lethe.parameters.sentences import require
    from lethe.planning.records import claims_record

    listed = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not listed:
        raise UserError("--claims: expected names of claims, joined by commas, found none.")
    catalogue = read_catalogue(parse_study({**read_yaml(DEFAULT), "claims": []}))
    for name in listed:
        require("--claims", name, catalogue.claims)
    study = parse_study({**read_yaml(DEFAULT), "claims": listed})
    return claims_record(study, catalogue)["claims"]
