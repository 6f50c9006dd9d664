"""Fetch a model, adapter or data set into the hub's cache, held against the hub's digests."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_download

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.errors import UserError
from lethe.models.weights import INDEX
from lethe.sources.hub.copies import cache
from lethe.sources.hub.errors import hub_errors_as_sentences
from lethe.sources.hub.fetch import list_files
from lethe.sources.hub.files import RemoteFile, check_arrived, data_files, target_files

ADVICE = {
    "revision": "name another one after the `@`, or none for the current one",
    "name": "correct the name",
    "fetch": "run where the network is, or give a copy with --source",
}


def fetch_into_cache(kind: str, repo: str, revision: str | None) -> Path:
    """The folder with a repository's files, at a branch, tag or commit; `main` if it is None.

    Of a model come its weights in safetensors, configuration and tokenizer, of a data set what
    may hold rows: no code, and nothing pickled. Complete files are not fetched again.

    Raises:
        UserError: the hub refuses, cannot be reached or lacks a file.
    """
    endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")
    spec = {"repo": repo, "repo_type": kind, "revision": revision, "advice": ADVICE}
    with _network_allowed(), hub_errors_as_sentences(spec, endpoint):
        api = HfApi(endpoint=endpoint)
        commit = api.repo_info(repo, repo_type=kind, revision=revision).sha
        remote = list_files(api, spec, commit)

        def get(name: str) -> Path:
            with disk_errors_as_sentences(cache()):
                found = hf_hub_download(
                    repo,
                    name,
                    repo_type=kind,
                    revision=revision or "main",
                    cache_dir=cache(),
                    endpoint=endpoint,
                    library_name="lethe",
                )
            return Path(found)

        if kind == "model":
            files = target_files(repo, remote, lambda: get(INDEX))
        else:
            files = data_files(repo, remote)
        places = []
        for file in files:
            print(f"{repo}: {file.path}, {file.size} bytes", file=sys.stderr, flush=True)
            places.append(_checked(file, get(file.path)))
    depth = files[0].path.count("/")
    return places[0].parents[depth]


def _checked(file: RemoteFile, path: Path) -> Path:
    """A file of the cache, if it arrived unchanged; else it is removed, with what it links to."""
    content = path.resolve()
    try:
        check_arrived(file, path)
    except UserError:
        content.unlink(missing_ok=True)
        raise
    return path


@contextmanager
def _network_allowed() -> Iterator[None]:
    """Lets the hub's library use the network for a while, whatever it found when imported."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = False
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
