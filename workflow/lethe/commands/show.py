"""Lineage, spec and record of one node: what it was made from, and its result."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.manifests import read_manifest
from lethe.artefacts.nodes import lineage
from lethe.artefacts.paths import node_manifest
from lethe.commands.named_nodes import HELP, add_place_arguments, find, words_of_nodes
from lethe.terminal import paint

RECORD = ("steps", "examples", "tokens", "replayed", "labels", "flops", "seconds", "seed")
RECORD += ("parameters", "revision", "resolution", "licence", "bytes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node", help=HELP)
    add_place_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> None:
    found = described(arguments.results, find(arguments, arguments.node))
    print(json.dumps(found, indent=2) if arguments.json else "\n".join(_lines(found)))


def described(results: Path, node: str) -> dict[str, Any]:
    """All that is known of a node, as plain data; `record` is None until it is done."""
    words = words_of_nodes(results)
    line = lineage(results, node)
    kind = line[-1][1]["kind"]
    manifest = node_manifest(results, kind, node)
    return {
        "node": node,
        "words": words.get(node, ""),
        "kind": kind,
        "lineage": [
            {
                "kind": spec["kind"],
                "node": name,
                "words": words.get(name, ""),
                "done": node_manifest(results, spec["kind"], name).exists(),
            }
            for name, spec in line
        ],
        "spec": line[-1][1],
        "manifest": str(manifest),
        "record": read_manifest(manifest) if manifest.exists() else None,
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield "lineage, oldest first:"
    for depth, one in enumerate(found["lineage"]):
        words = f"  {paint(one['words'], 'cyan')}" if one["words"] else ""
        done = "" if one["done"] else "  (not done)"
        yield f"{'  ' * depth}{one['kind']} {one['node']}{words}{done}"
    yield "\nspec:"
    yield json.dumps(found["spec"], indent=2, sort_keys=True)
    record = found["record"]
    if record is None:
        yield f"\nnot done: {found['manifest']} does not exist"
        return
    yield "\nrecord:"
    yield from (f"  {key}: {record[key]}" for key in RECORD if key in record)
    yield from (f"  {key}: {value}" for key, value in record.get("provenance", {}).items())
    for name, entry in record.get("files", {}).items():
        yield f"  {name}: {entry['size']} bytes, sha256 {entry['sha256'][:12]}"
