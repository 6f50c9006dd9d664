"""Specs of nodes that a test plans by itself."""

from pathlib import Path

from lethe.artefacts.files import digest, write_json
from lethe.artefacts.paths import spec_file


def write_spec(results: Path, slug: str, spec: dict) -> str:
    """Write a node's spec under the id that holds its digest; return the id."""
    node = f"{slug}-{digest(spec)[:12]}"
    write_json(spec_file(results, node), spec)
    return node
