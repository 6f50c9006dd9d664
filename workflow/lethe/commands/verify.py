"""Read all results again: what is altered, missing or belongs to nothing, and how to heal it."""

import argparse
from pathlib import Path

from lethe.artefacts.verifying import find_all, find_of_study
from lethe.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", nargs="?", help="name of a study; default: the whole folder")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")


def run(arguments: argparse.Namespace) -> int:
    """0 if everything is as it was written, else 1."""
    if not arguments.results.is_dir():
        raise UserError(f"--results: expected a folder, found none at {arguments.results}.")
    if arguments.study:
        findings = find_of_study(arguments.results, arguments.study)
    else:
        findings = find_all(arguments.results)
    found = set()
    for finding in findings:
        if finding not in found:
            found.add(finding)
            print(finding, flush=True)
    what = f"study {arguments.study}" if arguments.study else str(arguments.results)
    print(f"{what}: {'everything is as it was written' if not found else f'{len(found)} findings'}")
    return 1 if found else 0
