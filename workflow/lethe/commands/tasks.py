"""List the evaluation tasks that can be named in `--tasks`, and where their data are.

Without words: those whose data are on this machine. With words: all whose name has them.
"""

import argparse
import difflib
import json
from dataclasses import asdict
from pathlib import Path

from lethe.artefacts.strict_yaml import read_yaml
from lethe.comparison.abilities import PROBES
from lethe.errors import UserError
from lethe.evaluation.listing import Listed, all_tasks, place_of, tasks_of
from lethe.sources.hub.copies import HubCopies, copy_in
from lethe.terminal import table

MOST = 40
"""Lines that are shown unless `--all` is given."""
TYPES = {
    "multiple_choice": "choices",
    "generate_until": "generation",
    "loglikelihood": "likelihood",
    "loglikelihood_rolling": "whole texts",
}
HEAD = ("name", "what", "type", "metrics", "data")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lethe tasks`."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="words that the name must have")
    parser.add_argument(
        "--include-path",
        action="append",
        default=[],
        metavar="DIR",
        help="list a folder of task YAMLs instead; may be repeated, the first goes before others",
    )
    parser.add_argument(
        "--source", metavar="DIR", help="folder with copies of data sets, in DIR/OWNER/NAME"
    )
    parser.add_argument("--all", action="store_true", help="list all, however many")
    parser.add_argument("--json", action="store_true", help="print all that match, as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Print what matches, the closest names first."""
    tasks: dict[str, Listed] = {} if arguments.include_path else all_tasks()
    for folder in reversed(arguments.include_path):
        tasks |= all_tasks(Path(folder))
    source = HubCopies(Path(arguments.source) if arguments.source else None).source
    rows = rows_of(tasks, source)
    words = [word.lower() for word in arguments.words]
    found = sorted(
        (row for row in rows if all(word in row["name"].lower() for word in words)),
        key=lambda row: _closeness(row["name"], words),
    )
    if not found:
        raise UserError(_nothing(" ".join(arguments.words), tasks))
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    is_short = not (words or arguments.all or arguments.include_path)
    shown = [row for row in found if row["data"] == "here"] if is_short else found
    shown = shown if arguments.all else shown[:MOST]
    if shown:
        print(table(HEAD, map(_cells, shown)))
    if left := len(found) - len(shown):
        more = f"{left} more" if shown else f"{left} tasks and groups, none with its data here"
        print(f"{more}: `lethe tasks WORD` finds them by name, `--all` lists them.")


def rows_of(tasks: dict[str, Listed], source: Path | None) -> list[dict]:
    """What is known of every task and group, as plain data, by name."""
    copies: dict[str, bool] = {}

    def has_copy(dataset: str) -> bool:
        if source is None:
            return False
        if dataset not in copies:
            copies[dataset] = copy_in(source, "dataset", dataset) is not None
        return copies[dataset]

    rows = []
    for name in sorted(tasks):
        entry = tasks[name]
        singles = tasks_of(entry, tasks)
        datasets = sorted({task.dataset for task in singles if task.dataset})
        row = asdict(entry) | {"tasks": len(singles), "datasets": datasets}
        row |= {"metrics": sorted({m for task in singles for m in task.metrics})}
        row |= {"type": _common(task.type for task in singles)}
        row |= {"choices": _common(task.choices for task in singles) or None}
        row |= {"data": place_of(singles, has_copy) if singles else "missing"}
        del row["dataset"], row["files"], row["members"]
        rows.append(row)
    return rows


def _common(values) -> object:
    """The one value that all have; empty if they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _closeness(name: str, words: list[str]) -> tuple:
    low = name.lower()
    return (low not in words, not any(low.startswith(word) for word in words), low)


def _nothing(asked: str, tasks: dict[str, Listed]) -> str:
    sets = catalogue_sets()
    if probes := {set_: probe for set_, probe in sets.items() if asked.lower() in set_.lower()}:
        listed = ", ".join(f"{set_} (probe {probe})" for set_, probe in probes.items())
        return (
            f"No evaluation task has {asked!r} in its name, but sets of the catalogue's probes "
            f"have: {listed}. Their questions are made with a study that has the probe: `lethe "
            "compare` and `lethe evaluate` know them at its checkpoints, named by words (xs/base)."
        )
    near = difflib.get_close_matches(asked, {**sets, **tasks}, n=3, cutoff=0.5)
    hint = f"; near it are {', '.join(near)}" if near else ""
    return f"No evaluation task has {asked!r} in its name{hint}."


def catalogue_sets() -> dict[str, str]:
    """By name, the sets of the catalogue's probes, each with the first probe that asks it."""
    found: dict[str, str] = {}
    for probe, entry in read_yaml(PROBES).items() if PROBES.is_file() else ():
        for name in entry["tasks"]:
            found.setdefault(name, probe)
    return found


def _cells(row: dict) -> tuple[str, ...]:
    what = "task" if row["kind"] == "task" else f"{row['kind']} of {row['tasks']}"
    kind = TYPES.get(row["type"], row["type"] or "several")
    kind = f"{row['choices']} {kind}" if row["choices"] and kind == "choices" else kind
    metrics = ", ".join(row["metrics"][:3]) + (" ..." if len(row["metrics"]) > 3 else "")
    return row["name"], what, kind, metrics or "by code", _data(row)


def _data(row: dict) -> str:
    if row["data"] != "hub":
        return {"code": "its code knows", "missing": "missing"}.get(row["data"], "here")
    names = row["datasets"]
    return f"hub: {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
