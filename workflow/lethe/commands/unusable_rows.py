"""Notes before a run on a user's files: what of them is not used, and one file for two splits."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from lethe.config.own_files import TAKEN_AS
from lethe.errors import counted, one_line, shown, some_of
from lethe.planning.data import CHECKED_ROWS
from lethe.planning.nodes import Plan
from lethe.sources.reading import SPLITS

BY_ROW = ("generic", "alpaca")
"""Loaders that make or drop an example row by row; others join rows, or take blank lines apart."""

ANSWERS = ("label", "labels", "class", "category", "sentiment", "target", *TAKEN_AS["response"])
"""Names of columns that seem to hold the answer to a text."""


def unusable_rows(plan: Plan) -> Iterator[str]:
    """A note for each split of local files with first rows or with columns that are left out.

    And one for each two splits of a source that are the same file.
    """
    for spec in {node.id: node.spec for node in plan.data.values()}.values():
        if spec.get("source") == "files":
            yield from _same_files(spec)
            if spec["loader"] in BY_ROW:
                yield from _left_out(spec)
                yield from _unused(spec)


def _same_files(spec: dict[str, Any]) -> Iterator[str]:
    where = f"sources.{spec['name']}.files"
    for (one, first), (other, second) in combinations(spec["files"].items(), 2):
        # Parts of a split, as train.1, may well be given twice.
        if one.partition(".")[0] == other.partition(".")[0] or first["sha256"] != second["sha256"]:
            continue
        names = " and ".join(dict.fromkeys([first["path"], second["path"]]))
        yield (
            f"{where}: {one} and {other} have the same content ({names}): what is asked is what is "
            "taught; give other examples for one of them."
        )


def _left_out(spec: dict[str, Any]) -> Iterator[str]:
    from lethe.sources.prepare import first_kept
    from lethe.sources.prepared import left_out

    for split in SPLITS:
        counts = first_kept(spec, split, CHECKED_ROWS)
        if not (said := left_out(counts, f"the first {counted(counts.read, 'row')}")):
            continue
        files = [file["path"] for key, file in spec["files"].items() if key.split(".")[0] == split]
        yield f"sources.{spec['name']}.files.{split}: {said}: {', '.join(files)}."


def _unused(spec: dict[str, Any]) -> Iterator[str]:
    from lethe.sources.prepare import unused_columns

    told: set[str] = set()
    for split in SPLITS:
        used, unused = unused_columns(spec, split)
        unused = [name for name in unused if name not in told]
        told.update(unused)
        if not unused:
            continue
        files = [file["path"] for key, file in spec["files"].items() if key.split(".")[0] == split]
        are = "is" if len(unused) == 1 else "are"
        what, only = (some_of([shown(name) for name in names]) for names in (unused, used))
        yield one_line(
            f"sources.{spec['name']}.files.{split}: {what} {are} not read, only {only}"
            f"{_hint(spec, used, unused)}: {', '.join(files)}."
        )


def _hint(spec: dict[str, Any], used: list[str], unused: list[str]) -> str:
    """How to teach what seems to be the answer to the one text of a row."""
    answers = [name for name in unused if name.strip().lower() in ANSWERS]
    if len(used) != 1 or len(answers) != 1:
        return ""
    source = spec["name"]
    return (
        f"; to teach it as an answer, map it in sources.{source}.parameters: `columns: {{prompt: "
        f"{shown(used[0])}, response: {shown(answers[0])}}}`, and ask a test file as own_{source}"
    )
