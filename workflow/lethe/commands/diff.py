"""How two nodes differ: their lineage, then their specs, value by value."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.lineage import find_node, lineage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", help="id of a node, or a unique beginning or end of it")
    parser.add_argument("second", help="the other node")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")


def run(arguments: argparse.Namespace) -> None:
    chains = [
        lineage(arguments.results, find_node(arguments.results, name))
        for name in (arguments.first, arguments.second)
    ]
    shared = 0
    while shared < min(map(len, chains)) and chains[0][shared][0] == chains[1][shared][0]:
        print(f"  {chains[0][shared][0]}")
        shared += 1
    for mark, chain in zip("-+", chains, strict=True):
        for name, _ in chain[shared:]:
            print(f"{mark} {name}")
    differences = list(compare(chains[0][-1][1], chains[1][-1][1]))
    print("\nspecs:" if differences else "\nThe specs are equal.")
    for place, first, second in differences:
        print(f"  {place}: {first!r} -> {second!r}")


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
