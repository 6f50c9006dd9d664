"""A model card of one checkpoint as Markdown: what it learned and lost, what made it."""

import argparse
from pathlib import Path

from lethe.artefacts.files import write_atomic
from lethe.commands.named_studies import HELP, study_folder
from lethe.longtables.node_words import PATTERN


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `lethe card`."""
    parser.add_argument("folder", type=study_folder, metavar="STUDY", help=f"the study: {HELP}")
    parser.add_argument("node", metavar="NODE", help=f"a checkpoint's words, {PATTERN}, or its id")
    parser.add_argument("--out", type=Path, help="file to write, as model_card.md; default: print")


def run(args: argparse.Namespace) -> None:
    """Write or print; UserError for an unknown checkpoint or a folder without a study."""
    from lethe.longtables.study_folder import open_study
    from lethe.report.card import card
    from lethe.report.source import Source

    text = card(Source(open_study(args.folder)), args.node)
    if args.out:
        write_atomic(args.out, text)
        print(args.out)
    else:
        print(text, end="")
