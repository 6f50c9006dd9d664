"""Where a study's report, figures and tables are, and what would mislead their reader."""

import argparse
import json
import re
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any

from lethe.artefacts.paths import study_directory
from lethe.artefacts.study_files import QUESTIONS, REPORT
from lethe.commands.arguments import add_study_arguments, read
from lethe.commands.status import of_earlier, warnings
from lethe.errors import UserError

MOST_SHOWN = 5
DESCRIPTION = re.compile(r'<meta name="description" content="([^"]*)">')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> None:
    study, catalogue = read(arguments)
    folder = study_directory(study.output, study.study)
    if not folder.is_dir():
        raise UserError(
            f"study {study.study!r} has no results yet: there is no folder {folder} (`lethe run` "
            "makes it)."
        )
    found = places(folder)
    earlier = of_earlier(study, catalogue, folder)
    found["warnings"][:0] = earlier
    if arguments.json:
        print(json.dumps({"study": study.study, **found}, indent=2))
        return
    print(f"Figures: {found['figures'] or _missing(folder / 'figures')}")
    print(f"Tables:  {found['tables'] or _missing(folder / 'tables')}")
    if found["items"]:
        print(f"Items:   {found['items']} (what was lost, as pages; or `lethe items`)")
    if found["warnings"]:
        print(f"Warnings ({len(found['warnings'])}, all in `lethe status`):")
        for line in first_warnings(found["warnings"]):
            print(f"  {line}")
    if found["report"]:
        if found["headline"]:
            print(f"Of the earlier results: {found['headline']}" if earlier else found["headline"])
        print(f"Report:  {found['report']}")


def first_warnings(warnings: list[str]) -> list[str]:
    """MOST_SHOWN of the sentences in their order, the worst first, and how many of a kind are left.

    If there is room, every kind (the words before what it is about) has its first one among them.
    """
    kinds = [re.split(r" \(|: ", warning, maxsplit=1)[0] for warning in warnings]
    places = range(len(warnings))
    in_turn = sorted(places, key=lambda place: kinds.index(kinds[place]) != place)
    shown = in_turn[:MOST_SHOWN]
    left = Counter(kinds[place] for place in places if place not in shown)
    rest = ", ".join(f"{number} {kind}" for kind, number in left.items())
    return [*(warnings[place] for place in sorted(shown)), *([f"and {rest}"] if left else [])]


def headline(report: Path) -> str:
    """The sentence that a study's report begins with, as its page describes itself; or nothing."""
    found = DESCRIPTION.search(report.read_text(encoding="utf-8"))
    return unescape(found[1]) if found else ""


def places(folder: Path) -> dict[str, Any]:
    """What people read, None for what is not made yet: folders, the report; and all warnings."""
    names = {"figures": "figures", "tables": "tables", "items": QUESTIONS}
    there = {key: folder / name for key, name in names.items()}
    found = {key: str(path) if path.is_dir() else None for key, path in there.items()}
    report = folder / f"{REPORT}.html"
    told = {"report": None, "headline": ""}
    if report.is_file():
        told = {"report": str(report), "headline": headline(report)}
    return {"folder": str(folder), **told, **found, "warnings": warnings(folder)}


def _missing(folder: Path) -> str:
    return f"{folder} (not made yet)"
