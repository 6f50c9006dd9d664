"""Fetch one node: a hub repository's files at one commit, complete or not at all."""

import os
import shutil
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import HfApi, constants, get_token, hf_hub_download
from huggingface_hub.hf_api import RepoFile

from lethe.artefacts.disk_errors import disk_errors_as_sentences
from lethe.artefacts.nodes import NO_CODE, make_node
from lethe.artefacts.paths import fetched_files, work_directory
from lethe.errors import UserError
from lethe.models.weights import INDEX
from lethe.sources.hub.errors import gated_sentence, hub_errors_as_sentences
from lethe.sources.hub.files import RemoteFile, check_arrived, dataset_files, model_files
from lethe.sources.hub.revisions import recorded_revision


def fetch(node: str, spec: dict, results: Path) -> dict:
    """Fetch the repository of `spec` and publish it; return its manifest.

    Files are fetched into the work folder, checked against the hub's sizes and digests, and moved
    into place together. If a fetch is interrupted, complete files are kept.

    Raises:
        UserError: the hub refuses, cannot be reached or lacks a file; the disk is too small.
    """
    work = work_directory(results, node)
    endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")

    def make(directory: Path) -> tuple[dict, list[str]]:
        started = time.monotonic()
        if spec["gated"] and get_token() is None:
            raise UserError(gated_sentence(spec["repo"], spec["repo_type"], endpoint, False))
        api = HfApi(endpoint=endpoint)
        with hub_errors_as_sentences(spec, endpoint):
            revision = find_revision(api, spec, results)
        place = fetched_files(results, node)
        _take_back(place, work / "files")
        files = _download(api, spec, revision, work / "files")
        shutil.rmtree(work / "files" / ".cache", ignore_errors=True)
        with disk_errors_as_sentences(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(work / "files", place)
        facts = {
            "revision": revision,
            "resolution": "pinned" if spec["revision"] else "resolved, not pinned",
            "endpoint": endpoint,
            "bytes": sum(file.size for file in files),
            "fetched": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - started, 3),
            "provenance": {"versions": {"huggingface_hub": version("huggingface_hub")}},
        }
        return facts, [f"files/{f.path}" for f in files]

    return make_node(results, node, spec, NO_CODE, make)


def find_revision(api: HfApi, spec: dict, results: Path) -> str:
    """The commit to fetch: the spec's, else the recorded one, else the current one."""
    if spec["revision"]:
        return spec["revision"]

    def look_up() -> str:
        return api.repo_info(spec["repo"], repo_type=spec["repo_type"]).sha

    return recorded_revision(results, spec["repo_type"], spec["repo"], look_up)


def list_files(api: HfApi, spec: dict, revision: str) -> list[RemoteFile]:
    """Every file of the repository at a commit."""
    tree = api.list_repo_tree(
        spec["repo"], recursive=True, revision=revision, repo_type=spec["repo_type"]
    )
    return [
        RemoteFile(
            entry.path,
            entry.lfs.size if entry.lfs else entry.size,
            sha256=entry.lfs.sha256 if entry.lfs else None,
            blob=None if entry.lfs else entry.blob_id,
        )
        for entry in tree
        if isinstance(entry, RepoFile)
    ]


def _download(api: HfApi, spec: dict, revision: str, place: Path) -> list[RemoteFile]:
    """Fetch the selected files into `place`; complete files there are not fetched again."""
    repo, kind = spec["repo"], spec["repo_type"]

    def get(name: str) -> Path:
        with hub_errors_as_sentences(spec, api.endpoint), disk_errors_as_sentences(place):
            path = hf_hub_download(
                repo,
                name,
                repo_type=kind,
                revision=revision,
                endpoint=api.endpoint,
                local_dir=place,
                library_name="lethe",
            )
        return Path(path)

    with hub_errors_as_sentences(spec, api.endpoint):
        remote = list_files(api, spec, revision)
    if kind == "model":
        files = model_files(repo, remote, lambda: get(INDEX))
    else:
        files = dataset_files(repo, remote, spec["include"])
    _require_space(repo, files, place)
    for file in files:
        print(f"{file.path}: {file.size} bytes", flush=True)
        check_arrived(file, get(file.path))
    return files


def _require_space(repo: str, files: list[RemoteFile], place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    needed = sum(file.size for file in files if not (place / file.path).is_file())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise UserError(
            f"{repo} needs {needed / 1e9:.1f} GB on the disk of {place}, but only "
            f"{free / 1e9:.1f} GB are free; free some space, or set `output` to a larger disk."
        )


def _take_back(place: Path, work: Path) -> None:
    """Move files back to the work folder if an earlier fetch stopped before its manifest."""
    if not place.is_dir():
        return
    if work.exists():
        shutil.rmtree(work)
    work.parent.mkdir(parents=True, exist_ok=True)
    os.replace(place, work)
