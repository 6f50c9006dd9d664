"""Content digests of what a user names by a path, remembered by size and time of change.

Those of large files are remembered between processes too, in $XDG_CACHE_HOME/lethe (else
~/.cache/lethe): a configuration is read anew by every job of a cluster, and the weights of a
model take longer to hash than a check may take. The folder may be removed at any time.
"""

import os
from functools import cache
from pathlib import Path

from lethe.artefacts.files import sha256_file, write_atomic
from lethe.artefacts.strict_json import digest
from lethe.errors import UserError

# What makes a checkpoint in hub format: weights, configuration, tokenizer.
CHECKPOINT_FILES = ("*.safetensors", "*.json", "*.model", "*.txt")

# Bytes from which it pays to remember a digest on disk: about 0.1 s of hashing.
LARGE = 2**26


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


def _state(path: Path) -> tuple[int, int, int]:
    """Size and times in ns; the second cannot be set by hand, as copying tools set the first."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


@cache
def _digest_of(path: str, size: int, *changed: int) -> str:
    if size < LARGE:
        return sha256_file(path)
    name = digest([path, size, *changed])
    memory = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lethe" / name
    try:
        known = memory.read_text(encoding="ascii")
        if len(known) == 64:
            return known
    except (OSError, UnicodeDecodeError):
        pass
    found = sha256_file(path)
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(memory, found)
    except (OSError, UserError):
        # A home that cannot be written costs time, nothing else.
        pass
    return found
