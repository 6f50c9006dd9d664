"""Content digests of what a user names by a path, remembered by size and time of change."""

import os
from functools import cache
from pathlib import Path

from lethe.artefacts import sha256_file
from lethe.errors import UserError
from lethe.strict_json import digest

# What makes a checkpoint in hub format: weights, configuration, tokenizer.
CHECKPOINT_FILES = ("*.safetensors", "*.json", "*.model", "*.txt")


def file_digest(path: str, where: str) -> str:
    """Hex sha256 of a local file; `where` is the key that names it.

    Raises:
        UserError: there is no such file.
    """
    if not Path(path).is_file():
        raise UserError(f"{where}: expected a file, found none at {path}.")
    return _digest_of(str(Path(path).resolve()), *_state(Path(path)))


def checkpoint_digest(path: str, where: str) -> str:
    """Hex digest over the files of a checkpoint folder.

    Raises:
        UserError: there is no such folder, or it holds no safetensors weights.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"{where}: expected a checkpoint folder, found none at {path}.")
    if not list(folder.glob("*.safetensors")):
        raise UserError(f"{where}: {path} holds no *.safetensors weights; convert it first.")
    return _digest_of_files(folder, CHECKPOINT_FILES)


def folder_digest(path: str | None, where: str) -> str | None:
    """Hex digest over every file of a folder; None for no folder.

    Raises:
        UserError: there is no such folder.
    """
    if path is None:
        return None
    if not Path(path).is_dir():
        raise UserError(f"{where}: expected a folder, found none at {path}.")
    return _digest_of_files(Path(path), ("**/*",))


def _digest_of_files(folder: Path, patterns: tuple[str, ...]) -> str:
    files = sorted({f for pattern in patterns for f in folder.glob(pattern) if f.is_file()})
    files = [file for file in files if "__pycache__" not in file.parts]
    return digest(
        {
            str(file.relative_to(folder)): _digest_of(str(file.resolve()), *_state(file))
            for file in files
        }
    )


def _state(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


@cache
def _digest_of(path: str, _size: int, _changed: int) -> str:
    return sha256_file(path)
