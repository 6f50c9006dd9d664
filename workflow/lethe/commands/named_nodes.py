"""Nodes as a user names them: by id, by a part of it, or by words as `lethe status` prints them."""

import argparse
from pathlib import Path

from lethe.artefacts.files import read_json
from lethe.artefacts.lineage import find_node
from lethe.artefacts.paths import node_directory, spec_file
from lethe.longtables.node_words import PATTERN, Words, find_by_words, named, recorded_runs, several

HELP = f"a checkpoint's words, {PATTERN} or MODEL/base@SEED; or the beginning or end of an id"


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """Where nodes are looked up."""
    parser.add_argument("--results", type=Path, default=Path("results"), help="artefact folder")
    parser.add_argument("--study", metavar="NAME", help="look for words in this study alone")


def find(arguments: argparse.Namespace, name: str) -> str:
    """The id of the node that is named; only words have a `/` or an `@`.

    Raises:
        UserError: there is none, or several.
    """
    if "/" in name or "@" in name:
        return find_by_words(arguments.results, name, arguments.study)
    # The id of a checkpoint is also how the ids of its scores begin; it is meant first.
    checkpoints = words_of_nodes(arguments.results, arguments.study)
    meant = [node for node in checkpoints if name and node.startswith(name)]
    return meant[0] if len(meant) == 1 else find_node(arguments.results, name)


def words_of_nodes(results: Path, study: str | None = None) -> dict[str, str]:
    """The words of every checkpoint of the studies in a results folder, by id."""
    runs = recorded_runs(results, study).values()
    return Words(run for of_study in runs for run in of_study).of_nodes()


def folder_of(results: Path, name: str) -> Path | None:
    """The folder of the checkpoint whose words a name is; None if it is another name.

    A folder or file of that name is meant before it, and OWNER/NAME of the hub unless it names a
    checkpoint in full, as `xs/base@0`.

    Raises:
        UserError: the words name several checkpoints.
    """
    if "/" not in name or name[0] in "./~" or Path(name).exists():
        return None
    runs = recorded_runs(results).values()
    words = Words(run for of_study in runs for run in of_study)
    found = named(words, name, in_full=name.count("/") == 1)
    if name.count("/") == 1 and "@" not in name and name not in found.values():
        return None
    if len(found) > 1:
        raise several(name, found, ["give the folder of one"])
    if not found:
        return None
    (node,) = found
    return node_directory(results, read_json(spec_file(results, node))["kind"], node)
