"""Lineage, spec and record of one node: what it was made from, and its result."""

import argparse
import json
from pathlib import Path

from lethe.artefacts.files import read_json
from lethe.artefacts.lineage import find_node, lineage
from lethe.artefacts.paths import node_manifest

RECORD = ("steps", "examples", "tokens", "replayed", "labels", "flops", "seconds", "seed")
RECORD += ("parameters", "revision", "resolution", "licence", "bytes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node", help="id of a node, or a unique beginning or end of it")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")


def run(arguments: argparse.Namespace) -> None:
    node = find_node(arguments.results, arguments.node)
    print("lineage, oldest first:")
    for depth, (name, spec) in enumerate(lineage(arguments.results, node)):
        is_done = node_manifest(arguments.results, spec["kind"], name).exists()
        print(f"{'  ' * depth}{spec['kind']} {name}{'' if is_done else '  (not done)'}")
    print("\nspec:")
    print(json.dumps(spec, indent=2, sort_keys=True))
    manifest = node_manifest(arguments.results, spec["kind"], node)
    if not manifest.exists():
        print(f"\nnot done: {manifest} does not exist")
        return
    record = read_json(manifest)
    print("\nrecord:")
    for key in RECORD:
        if key in record:
            print(f"  {key}: {record[key]}")
    for key, value in record.get("provenance", {}).items():
        print(f"  {key}: {value}")
    for name, entry in record.get("files", {}).items():
        print(f"  {name}: {entry['size']} bytes, sha256 {entry['sha256'][:12]}")
