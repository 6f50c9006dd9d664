"""Read all results again: what is altered, missing or belongs to nothing, and how to heal it."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

from lethe.artefacts.verifying import find_all, find_of_study
from lethe.artefacts.verifying_nodes import Finding
from lethe.config.reading import read_study
from lethe.errors import UserError
from lethe.terminal import paint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "study", nargs="?", help="a study's name or its file; default: the whole folder"
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """0 if everything is as it was written, else 1."""
    if not arguments.results.is_dir():
        raise UserError(f"--results: expected a folder, found none at {arguments.results}.")
    study = _name(arguments.study) if arguments.study else None
    found = find_of_study(arguments.results, study) if study else find_all(arguments.results)
    findings = _each_once(found, tell=not arguments.json)
    what = f"study {study}" if study else str(arguments.results)
    if arguments.json:
        print(json.dumps({"of": what, "findings": [vars(one) for one in findings]}, indent=2))
    elif findings:
        number = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
        print(f"{what}: {paint(number, 'red')}")
    else:
        print(f"{what}: {paint('everything is as it was written', 'green')}")
    return 1 if findings else 0


def _name(study: str) -> str:
    """The name of a study that is given by its name or by its file."""
    if Path(study).suffix in (".yaml", ".yml"):
        return read_study([study]).study
    return study


def _each_once(found: Iterable[Finding], tell: bool) -> list[Finding]:
    """The findings without repetitions, printed one by one if wanted: reading may take minutes."""
    findings: dict[Finding, None] = {}
    for finding in found:
        if tell and finding not in findings:
            print(finding, flush=True)
        findings[finding] = None
    return list(findings)
