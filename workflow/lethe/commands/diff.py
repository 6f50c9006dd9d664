"""How two nodes differ: their lineage, then their specs, value by value."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.nodes import lineage
from lethe.commands.named_nodes import HELP, add_place_arguments, find, words_of_nodes
from lethe.terminal import paint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", help=HELP)
    parser.add_argument("second", help="the other node")
    add_place_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> None:
    first, second = (find(arguments, name) for name in (arguments.first, arguments.second))
    found = differing(arguments.results, first, second)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(_lines(found, words_of_nodes(arguments.results))))


def differing(results: Path, first: str, second: str) -> dict[str, Any]:
    """The lineage that two nodes share, what each has besides, and where their specs differ."""
    chains = [lineage(results, node) for node in (first, second)]
    ids = [[node for node, _ in chain] for chain in chains]
    shared = 0
    while shared < min(map(len, ids)) and ids[0][shared] == ids[1][shared]:
        shared += 1
    differences = compare(chains[0][-1][1], chains[1][-1][1])
    return {
        "nodes": [first, second],
        "shared": ids[0][:shared],
        "first": ids[0][shared:],
        "second": ids[1][shared:],
        "differences": [
            {"place": place, "first": one, "second": other} for place, one, other in differences
        ],
    }


def _lines(found: dict[str, Any], words: dict[str, str]) -> Iterator[str]:
    for key, mark, colour in (("shared", " ", ""), ("first", "-", "red"), ("second", "+", "green")):
        for node in found[key]:
            line = f"{mark} {node}{'  ' * (node in words)}{words.get(node, '')}"
            yield paint(line, colour) if colour else line
    yield "\nspecs:" if found["differences"] else "\nThe specs are equal."
    for one in found["differences"]:
        yield f"  {one['place']}: {one['first']!r} -> {one['second']!r}"


def compare(first: Any, second: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(place, first, second) wherever two JSON values differ; `None` for an absent value."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted(first.keys() | second.keys()):
            yield from compare(first.get(key), second.get(key), f"{place}.{key}".lstrip("."))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, (left, right) in enumerate(zip(first, second, strict=True)):
            yield from compare(left, right, f"{place}[{number}]")
    elif first != second or type(first) is not type(second):
        yield place, first, second
