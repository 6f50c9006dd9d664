"""Where a study's figures and tables are, and what would mislead their reader."""

import argparse
from pathlib import Path

from lethe.artefacts.paths import study_directory
from lethe.artefacts.study_files import QUESTIONS
from lethe.commands.arguments import add_study_arguments, read
from lethe.commands.status import warnings

MOST_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    study, _ = read(arguments)
    folder = study_directory(study.output, study.study)
    print(f"Figures: {_place(folder / 'figures')}")
    print(f"Tables:  {_place(folder / 'tables')}")
    if (folder / QUESTIONS).is_dir():
        print(f"Items:   {folder}/{QUESTIONS} (what was lost, as pages; or `lethe items`)")
    if found := warnings(folder):
        print(f"Warnings ({len(found)}, all in `lethe status`):")
        for warning in found[:MOST_SHOWN]:
            print(f"  {warning}")


def _place(folder: Path) -> str:
    return str(folder) if folder.is_dir() else f"{folder} (not made yet)"
