"""Nodes as a user names them: by id, by a part of it, or by words as `lethe status` prints them."""

import argparse
import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.artefacts.files import read_object
from lethe.artefacts.lineage import find_node
from lethe.artefacts.paths import node_directory, spec_file
from lethe.errors import UserError
from lethe.longtables.node_words import (
    BASE,
    PATTERN,
    SEED,
    Words,
    find_by_words,
    named,
    no_checkpoint,
    recorded_runs,
    several,
    ways_to_one,
)
from lethe.sources.hub.copies import NAME, HubCopies

HELP = f"a checkpoint's words, {PATTERN} or MODEL/base@SEED; or the beginning or end of an id"
ALIKE, ALIKE_ENOUGH = 0.8, 0.6
"""From this likeness on, what could be OWNER/NAME of the hub, or could not, is misspelt words."""


def add_place_arguments(parser: argparse._ActionsContainer) -> None:
    """Where nodes are looked up."""
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="artefact folder in which checkpoints are found; default: results",
    )
    parser.add_argument("--study", metavar="NAME", help="look for words in this study alone")


def find(arguments: argparse.Namespace, name: str) -> str:
    """The id of the node that is named: by its id or how a checkpoint's begins, else by words.

    Raises:
        UserError: there is none, or several.
    """
    results, study = arguments.results, arguments.study
    if not _is_of_words(name):
        words = _words(results, study)
        if (node := _of_id(words.of_nodes(), name)) is not None:
            return node
        # Parts of the ids of other nodes come last: many an id ends in the number of a stage.
        if spec_file(results, name).is_file() or not named(words, name):
            return find_node(results, name)
    return find_by_words(results, name, study)


def words_of_nodes(results: Path, study: str | None = None) -> dict[str, str]:
    """The words of every checkpoint of the studies in a results folder, by id."""
    return _words(results, study).of_nodes()


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of a study: its id, its words, its folder, and the artefacts' folder."""

    node: str
    words: str
    folder: Path
    results: Path

    def made(self) -> Path:
        """Its folder.

        Raises:
            UserError: no run has made it yet.
        """
        if not self.folder.is_dir():
            raise UserError(
                f"{self.words} is not made yet: there is no folder {self.folder}; run its study "
                "first (`lethe status` shows what is done)."
            )
        return self.folder


def checkpoint_of(results: Path, name: str, study: str | None = None) -> Checkpoint | None:
    """The study's checkpoint that a user names, by its folder, id or words; None: something else.

    A folder or file of that name is meant before words, and words before OWNER/NAME of the hub.

    Raises:
        UserError: the words name several checkpoints, or are like those of one but name none.
    """
    if Path(name).is_dir():
        return _in_folder(Path(name))
    if not name or name[0] in "./~" or Path(name).exists():
        return None
    by_study = recorded_runs(results, study)
    words = Words(run for runs in by_study.values() for run in runs)
    by_id = words.of_nodes()
    node = None if _is_of_words(name) else _of_id(by_id, name)
    if node is None:
        found = named(words, name)
        if len(found) > 1:
            hub = "for a model of the hub give OWNER/NAME@main"
            raise several(name, found, [*ways_to_one(found, by_study), hub])
        if not found and (_is_misspelt(name, list(by_id.values())) or _begins_as(name, words)):
            raise no_checkpoint(results, name, by_id.values())
        node = next(iter(found), None)
    if node is None:
        return None
    folder = node_directory(results, read_object(spec_file(results, node))["kind"], node)
    return Checkpoint(node, by_id[node], folder, results.resolve())


def checkpoints_of(
    results: Path, names: Sequence[str], study: str | None = None
) -> dict[str, Checkpoint | None]:
    """What `checkpoint_of` finds, by name; beside a study's checkpoint, OWNER/2 is words as well.

    Raises:
        UserError: as `checkpoint_of`.
    """
    found = {name: checkpoint_of(results, name, study) for name in names}
    if any(found.values()):
        words = _words(results, study)
        for name, one in found.items():
            if one is None and _ends_as_words(name, words):
                raise no_checkpoint(results, name, words.of_nodes().values())
    return found


def require_model(arguments: argparse.Namespace, name: str) -> None:
    """Refuse a name of the hub whose model is not here, before anything is scored.

    Raises:
        UserError: it is not here; where words may be meant, with the checkpoints that are near.
    """
    hub = HubCopies(Path(arguments.source) if arguments.source else None, arguments.network)
    if os.path.isdir(name) or name[:1] == "." or not NAME.fullmatch(name.partition("@")[0]):
        return
    try:
        hub.model(name)
    except UserError:
        if arguments.network or "/" not in name or not _has_seeds(name):
            raise
        known = words_of_nodes(arguments.results, arguments.study).values()
        words = no_checkpoint(arguments.results, name, known)
        raise UserError(
            f"{words} Nor is it a folder or a model in the hub's cache; --network allows the hub."
        ) from None


def _in_folder(folder: Path) -> Checkpoint | None:
    """The checkpoint whose own folder this is, where the study that made it lies."""
    place = folder.resolve()
    results = place.parent.parent
    if not spec_file(results, place.name).is_file():
        return None
    words = words_of_nodes(results).get(place.name, place.name)
    return Checkpoint(place.name, words, folder, results)


def _is_of_words(name: str) -> bool:
    return "/" in name or "@" in name


def _of_id(nodes: dict[str, str], name: str) -> str | None:
    """The one checkpoint whose id begins so: that of a checkpoint begins its scores' ids too."""
    meant = [name] if name in nodes else [n for n in nodes if name and n.startswith(name)]
    return meant[0] if len(meant) == 1 else None


def _is_misspelt(name: str, known: list[str]) -> bool:
    plain = [words.partition("@")[0] for words in known] if "@" not in name else known
    cutoff = ALIKE if name.count("/") == 1 else ALIKE_ENOUGH
    return "/" in name and bool(difflib.get_close_matches(name, plain, n=1, cutoff=cutoff))


def _begins_as(name: str, words: Words) -> bool:
    """Whether it begins with a model or method of a study and ends as words do."""
    firsts = {first for run in words.runs for first in (run.model, run.method, words.method(run))}
    return name.partition("/")[0] in firsts and _ends_as_words(name, words)


def _ends_as_words(name: str, words: Words) -> bool:
    """Whether it ends in a stage, and is no path into a folder that is here."""
    first, *others = name.partition("@")[0].split("/")
    if not others or not _has_seeds(name) or name[0] in "./~" or Path(first).exists():
        return False
    stages = {stage for run in words.runs for stage in run.stages}
    return others[-1].isdecimal() or others[-1] in {BASE} | stages - {""}


def _has_seeds(name: str) -> bool:
    """Whether what stands after @, if anything, may be seeds: a revision of the hub is none."""
    _, at, after = name.partition("@")
    return not at or all(SEED.fullmatch(seed) for seed in after.split(","))


def _words(results: Path, study: str | None = None) -> Words:
    runs = recorded_runs(results, study).values()
    return Words(run for of_study in runs for run in of_study)
