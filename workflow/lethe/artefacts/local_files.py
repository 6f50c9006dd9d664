"""Content digests of files that a user names by a path, cached by size and time of change.

Digests of large files are also cached between processes: every job of a cluster reads the
configuration again, and hashing the weights of a model takes longer than a check should.
"""

import os
import re
from functools import cache
from pathlib import Path

from lethe.artefacts.disk_errors import disk_reason
from lethe.artefacts.files import read_object, sha256_file
from lethe.artefacts.strict_json import digest
from lethe.artefacts.user_cache import cached
from lethe.errors import UserError, sought

# The files of a checkpoint in hub format: weights, configuration, tokenizer.
CHECKPOINT_FILES = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")

# Bytes from which caching a digest on disk pays off: about 0.1 s of hashing.
LARGE = 2**26

SHA256 = re.compile("[0-9a-f]{64}")


def file_digest(path: str, where: str) -> str:
    """Hex sha256 of a local file; `where` is the key that names it.

    Raises:
        UserError: there is no such file, or it cannot be read.
    """
    if not os.path.isfile(path):  # unlike Path's, it takes any text
        raise UserError(f"{where}: expected a file, found none at {sought(path)}.")
    try:
        return _digest_of(str(Path(path).resolve()), *_state(Path(path)))
    except OSError as error:
        raise UserError(f"{where}: {path} cannot be read: {disk_reason(error)}.") from None


def checkpoint_digest(path: str, where: str) -> str:
    """Hex digest over the files of a checkpoint folder.

    Raises:
        UserError: there is no such folder, or it holds no safetensors weights.
    """
    folder = Path(path)
    if not os.path.isdir(folder):
        raise UserError(f"{where}: expected a checkpoint folder, found none at {sought(path)}.")
    if not list(folder.glob("*.safetensors")):
        raise UserError(f"{where}: {path} holds no *.safetensors weights; convert it first.")
    return _digest_of_files(folder, CHECKPOINT_FILES)


def chat_template_digest(path: str, where: str) -> str:
    """Hex sha256 of the chat template of a checkpoint folder, in its own file or in the tokenizer's
    configuration.

    Raises:
        UserError: neither is there, or the configuration is no JSON.
    """
    template, settings = Path(path) / "chat_template.jinja", Path(path) / "tokenizer_config.json"
    if template.is_file():
        return file_digest(str(template), where)
    if settings.is_file() and (written := read_object(settings).get("chat_template")):
        return digest(written)
    raise UserError(
        f"{where}: expected a chat template in {path} (chat_template.jinja, or `chat_template` in "
        "tokenizer_config.json), found none; remove `chat`, or take a model that has one."
    )


def folder_digest(path: str | None, where: str) -> str | None:
    """Hex digest over every file of a folder; None if `path` is None.

    Raises:
        UserError: there is no such folder.
    """
    if path is None:
        return None
    if not os.path.isdir(path):
        raise UserError(f"{where}: expected a folder, found none at {sought(path)}.")
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
    """Size, and times of modification and change in ns.

    Copying tools may set the time of modification; nobody can set the time of change.
    """
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


@cache
def _digest_of(path: str, size: int, *changed: int) -> str:
    if size < LARGE:
        return sha256_file(path)
    return cached(
        digest([path, size, *changed]),
        lambda: sha256_file(path),
        lambda found: bool(SHA256.fullmatch(found)),
    )
