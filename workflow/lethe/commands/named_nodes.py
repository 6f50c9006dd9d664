"""Nodes as a user names them: by id, by a part of it, or by words as `lethe status` prints them."""

import argparse
from pathlib import Path

from lethe.artefacts.lineage import find_node
from lethe.longtables.node_words import PATTERN, Words, find_by_words, recorded_runs

HELP = f"a checkpoint's words, {PATTERN} or MODEL/base@SEED; or the beginning or end of an id"


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """Where nodes are looked up."""
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    parser.add_argument("--study", metavar="NAME", help="look for words in this study alone")


def find(arguments: argparse.Namespace, name: str) -> str:
    """The id of the node that is named; only words have a `/`.

    Raises:
        UserError: there is none, or several.
    """
    if "/" in name:
        return find_by_words(arguments.results, name, arguments.study)
    # The id of a checkpoint is also how the ids of its scores begin; it is meant first.
    checkpoints = words_of_nodes(arguments.results, arguments.study)
    meant = [node for node in checkpoints if name and node.startswith(name)]
    return meant[0] if len(meant) == 1 else find_node(arguments.results, name)


def words_of_nodes(results: Path, study: str | None = None) -> dict[str, str]:
    """The words of every checkpoint of the studies in a results folder, by id."""
    runs = recorded_runs(results, study).values()
    return Words(run for of_study in runs for run in of_study).of_nodes()
