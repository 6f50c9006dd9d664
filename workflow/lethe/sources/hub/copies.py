"""Where the files of a hub repository are: a folder of copies, the hub's cache, or the hub.

The hub itself is asked only if that was allowed. What is fetched here
goes, unlike a node of a study, into the hub's own cache, where other programs find it too.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from lethe.errors import UserError

NAME = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?")  # the hub has none that are longer
COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class HubCopies:
    """How repositories are looked up.

    Attributes:
        source: folder with copies, each in `source/OWNER/NAME`; looked at before anything else.
        network: whether the hub may be asked.
    """

    source: Path | None = None
    network: bool = False

    def __post_init__(self) -> None:
        if self.source is not None and not self.source.is_dir():
            raise UserError(f"--source: expected a folder, found none at {self.source}.")

    def model(self, name: str) -> Path:
        """The folder of a model or adapter.

        Args:
            name: `OWNER/NAME` or `OWNER/NAME@REVISION`.

        Raises:
            UserError: it is not here, and the hub may not be asked, cannot be reached or refuses.
        """
        repo, _, revision = name.partition("@")
        if (place := self._here("model", repo, revision or None)) is not None:
            return place
        at = f" at {revision}" if revision else ""
        source = f"in {self.source} or " if self.source else ""
        raise UserError(
            f"{repo}{at} is no folder here, and not {source}in the hub's cache ({cache()}); "
            "correct the path, allow the hub with --network, or give --source DIR with a copy "
            f"(`hf download {repo} --local-dir DIR/{repo}` makes one where the network is)."
        )

    def dataset(self, repo: str, revision: str | None = None) -> Path | None:
        """The folder of a data set's files; None if it is not here and the hub may not be asked.

        Raises:
            UserError: the hub cannot be reached or refuses.
        """
        return self._here("dataset", repo, revision)

    def _here(self, kind: str, repo: str, revision: str | None) -> Path | None:
        if self.source is not None and (place := copy_in(self.source, kind, repo)) is not None:
            return place
        if self.network:
            from lethe.sources.hub.into_cache import fetch_into_cache

            return fetch_into_cache(kind, repo, revision)
        return cached(cache(), kind, repo, revision)


def copy_in(source: Path, kind: str, repo: str) -> Path | None:
    """A repository's copy in a folder: by its name, or as the hub's cache lays it out."""
    places = [source / repo, source / repo.replace("/", "--")]
    return next((place for place in places if _is_filled(place)), None) or cached(
        source, kind, repo, None
    )


def cached(folder: Path, kind: str, repo: str, revision: str | None) -> Path | None:
    """A repository's files in a folder that is laid out as the hub's cache.

    Args:
        revision: a branch, a tag or 40 hex digits; None: `main`, or else the only one there.

    Raises:
        UserError: several revisions are there, and none is `main`.
    """
    place = folder / f"{kind}s--{repo.replace('/', '--')}"
    reference = place / "refs" / (revision or "main")
    if COMMIT.fullmatch(revision or ""):
        commit = revision
    elif reference.is_file():
        commit = reference.read_text(encoding="utf-8").strip()
    elif revision is None:
        commit = _only([path.name for path in place.glob("snapshots/*")], repo, place)
    else:
        return None
    found = place / "snapshots" / str(commit)
    return found if commit and _is_filled(found) else None


def cache() -> Path:
    """The hub's cache on this machine."""
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()


def _only(commits: list[str], repo: str, place: Path) -> str | None:
    if len(commits) > 1:
        raise UserError(
            f"{repo}: expected one revision in {place}, found {len(commits)}; name one of them, "
            f"as in {repo}@{min(commits)}."
        )
    return commits[0] if commits else None


def _is_filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
