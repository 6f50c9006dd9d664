"""Where a study's report, figures and tables are, and what would mislead their reader."""

import argparse
import re
from html import unescape
from pathlib import Path

from lethe.artefacts.paths import study_directory
from lethe.artefacts.study_files import QUESTIONS, REPORT
from lethe.commands.arguments import add_study_arguments, read
from lethe.commands.status import warnings

MOST_SHOWN = 5
DESCRIPTION = re.compile(r'<meta name="description" content="([^"]*)">')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    study, _ = read(arguments)
    folder = study_directory(study.output, study.study)
    print(f"Figures: {_place(folder / 'figures')}")
    print(f"Tables:  {_place(folder / 'tables')}")
    if (folder / QUESTIONS).is_dir():
        print(f"Items:   {folder}/{QUESTIONS} (what was lost, as pages; or `lethe items`)")
    report = folder / f"{REPORT}.html"
    if found := warnings(folder):
        print(f"Warnings ({len(found)}, all in `lethe status`):")
        for warning in found[:MOST_SHOWN]:
            print(f"  {warning}")
    if report.is_file():
        if sentence := headline(report):
            print(sentence)
        print(f"Report:  {report}")


def headline(report: Path) -> str:
    """The sentence that a study's report begins with, as its page describes itself; or nothing."""
    found = DESCRIPTION.search(report.read_text(encoding="utf-8"))
    return unescape(found[1]) if found else ""


def _place(folder: Path) -> str:
    return str(folder) if folder.is_dir() else f"{folder} (not made yet)"
