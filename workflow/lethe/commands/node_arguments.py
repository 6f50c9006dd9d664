"""The arguments that every verb that makes a node shares."""

import argparse
import os
from pathlib import Path

from lethe.artefacts import read_json
from lethe.errors import UserError
from lethe.paths import spec_file


def add_node_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node", help="id of the node, as in results/specs/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    parser.add_argument("--code", default="by-hand", help="fingerprint of the code, to record")


def add_snapshot_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--snapshot-seconds",
        type=float,
        default=float(os.environ.get("LETHE_SNAPSHOT_SECONDS", "60")),
        help="seconds between snapshots of the training state (%(default)s)",
    )


def read_spec(arguments: argparse.Namespace, kind: str) -> dict:
    """The spec of the node that was asked for.

    Raises:
        UserError: there is no such node, or it is of another kind.
    """
    path = spec_file(arguments.results, arguments.node)
    if not path.exists():
        raise UserError(
            f"{path} does not exist; `lethe plan --write` writes the specs of a study's nodes."
        )
    spec = read_json(path)
    if spec.get("kind") != kind:
        raise UserError(f"{path} describes a node of kind {spec.get('kind')!r}, not {kind!r}.")
    return spec
