"""Where a study's figures and tables are."""

import argparse

from lethe.artefacts.paths import study_directory
from lethe.commands.arguments import add_study_arguments, read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    study, _ = read(arguments)
    folder = study_directory(study.output, study.study)
    print(f"Figures: {folder}/figures")
    print(f"Tables:  {folder}/tables")
