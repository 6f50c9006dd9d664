"""What the sources of a catalogue will hold, and whether entries name files that they will hold."""

from typing import Any

from lethe.config.catalogue import Catalogue
from lethe.errors import UserError
from lethe.parameters.sentences import require
from lethe.sources.contents import PREPARED, evaluation_tasks, files_of
from lethe.sources.parameters import source_parameters


def check_file(where: str, file: str, source: str, catalogue: Catalogue) -> None:
    """Refuse a file that a source will not hold, as far as that is known before it is made."""
    known = files_of(*_facts(catalogue, source))
    if known is not None:
        if file == PREPARED["train"] and PREPARED["test"] in known and file not in known:
            # The nearest known name is that of the test set, which is no advice.
            raise UserError(
                f"{where}: expected a source with a train split, found in {source!r} "
                f"{', '.join(sorted(known))}: it can be asked, not taught; give it `files.train`."
            )
        require(f"{where}, among the files of the source {source!r}", file, known)


def sets_in(catalogue: Catalogue, source: str) -> dict[str, tuple[str, tuple[str, ...]]] | None:
    """The evaluation tasks of a source's own, as in `evaluation_tasks`."""
    return evaluation_tasks(source, *_facts(catalogue, source))


def check_splits(name: str, catalogue: Catalogue) -> None:
    """Refuse local files of a loader under keys that name no split."""
    source = catalogue.sources[name]
    for key in source.files if source.loader is not None else ():
        if key.partition(".")[0] not in PREPARED:
            raise UserError(
                f"sources.{name}.files.{key}: expected a split ({', '.join(PREPARED)}), "
                f"optionally with a part as in train.1, found {key!r}."
            )


def _facts(catalogue: Catalogue, source: str) -> tuple[str, str | None, dict[str, Any], dict]:
    entry = catalogue.sources[source]
    parameters = source_parameters(f"sources.{source}", entry.kind, entry.loader, entry.parameters)
    return entry.kind, entry.loader, parameters, entry.files
