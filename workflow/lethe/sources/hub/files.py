"""Which files of a hub repository are fetched, and whether they arrived unchanged."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from lethe.artefacts.files import CHUNK_BYTES
from lethe.errors import UserError, some_of
from lethe.models.weights import INDEX, SINGLE, shard_names

# Files that a model needs besides its weights; none is code, and none is pickled.
MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
)
ADAPTER = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ROWS = (".parquet", ".jsonl", ".json", ".csv", ".tsv", ".txt", ".md")
"""Endings of files that may hold a data set's rows, and of its description."""
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.msgpack", "*.h5")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository at a commit.

    Attributes:
        path: its path in the repository.
        size: its size in bytes.
        sha256: hex digest if the hub stores one (large files), else None.
        blob: git's hex digest of a small file, else None.
    """

    path: str
    size: int
    sha256: str | None = None
    blob: str | None = None


def model_files(
    repo: str, remote: Iterable[RemoteFile], read_index: Callable[[], Path]
) -> list[RemoteFile]:
    """Weights in safetensors, configuration and tokenizer; nothing in subfolders.

    Args:
        read_index: fetches the index of sharded weights and returns its path.

    Raises:
        UserError: no safetensors weights, or a shard or the configuration is missing.
    """
    by_path = {file.path: file for file in remote}
    if SINGLE in by_path:
        weights = [SINGLE]
    elif INDEX in by_path:
        weights = [INDEX, *shard_names(read_index())]
    else:
        raise UserError(_no_weights(repo, by_path))
    for name in ["config.json", *weights]:
        if name not in by_path:
            raise UserError(f"{repo} has no file {name} at this revision, which its weights need.")
    wanted = {*weights, *MODEL_FILES}
    return [file for path, file in sorted(by_path.items()) if path in wanted]


def target_files(
    repo: str, remote: Iterable[RemoteFile], read_index: Callable[[], Path]
) -> list[RemoteFile]:
    """The files of a model, or of an adapter where there is one and no model beside it.

    Raises:
        UserError: as `model_files`, or an adapter without weights in safetensors.
    """
    by_path = {file.path: file for file in remote}
    if ADAPTER not in by_path or {SINGLE, INDEX} & by_path.keys():
        return model_files(repo, by_path.values(), read_index)
    if ADAPTER_WEIGHTS not in by_path:
        raise UserError(
            f"Expected {ADAPTER_WEIGHTS} beside {ADAPTER} in {repo}, found none; pickled weights "
            "are never read."
        )
    wanted = {ADAPTER, ADAPTER_WEIGHTS, *MODEL_FILES} - {"config.json", "generation_config.json"}
    return [file for path, file in sorted(by_path.items()) if path in wanted]


def data_files(repo: str, remote: Iterable[RemoteFile]) -> list[RemoteFile]:
    """The files of a data set that may hold its rows, and its description; no code.

    Raises:
        UserError: there are none.
    """
    files = [file for file in remote if file.path.lower().endswith(ROWS)]
    if not any(file.path != "README.md" for file in files):
        raise UserError(
            f"Expected files of rows in the data set {repo} (parquet, jsonl, json, csv or tsv), "
            "found none; a data set that is made by code is not fetched, so give a copy of its "
            "rows with --source."
        )
    return sorted(files, key=lambda file: file.path)


def _no_weights(repo: str, paths: Iterable[str]) -> str:
    pickled = sorted(n for n in paths if "/" not in n and any(fnmatchcase(n, p) for p in PICKLED))
    found = f"only pickled weights ({pickled[0]})" if pickled else "no weights"
    return (
        f"Expected {SINGLE} or {INDEX} in {repo}, found {found} (only safetensors are loaded); set "
        "`revision` to a commit with safetensors (the hub's converter often left one in a pull "
        "request), or convert the weights and give their folder as `import`."
    )


def dataset_files(
    repo: str, remote: Iterable[RemoteFile], include: Iterable[str]
) -> list[RemoteFile]:
    """The files that match any of the patterns; all of them if there are no patterns.

    In a pattern, `*` also matches slashes and so files in subfolders, as in the hub's own tools.

    Raises:
        UserError: a pattern matches nothing.
    """
    files = sorted(remote, key=lambda file: file.path)
    patterns = list(include) or ["*"]
    for pattern in patterns:
        if not any(fnmatchcase(file.path, pattern) for file in files):
            found = some_of([file.path for file in files]) or "nothing"
            raise UserError(
                f"Expected files of {repo} that match `include: {pattern}`, found {found}; "
                "correct `include` in the catalogue of sources."
            )
    return [f for f in files if any(fnmatchcase(f.path, pattern) for pattern in patterns)]


def check_arrived(file: RemoteFile, path: Path) -> None:
    """Check a fetched file against the hub's size and digest.

    Raises:
        UserError: it was truncated or altered in transit; the file is removed, so that it is
            fetched again.
    """
    size = path.stat().st_size
    if size == file.size and _digest(file, path) == (file.sha256 or file.blob):
        return
    path.unlink()
    found = f"{size}" if size != file.size else "the same size with other content"
    raise UserError(
        f"{file.path}: expected {file.size} bytes as on the hub, found {found}, so the file was "
        "removed; run again to fetch it again."
    )


def _digest(file: RemoteFile, path: Path) -> str | None:
    """sha256 of a large file; git's sha1, which begins with the length, of a small one."""
    if file.sha256 is None and file.blob is None:
        return None
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % file.size)
    with open(path, "rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
