"""Files that are either complete or absent: atomic writes and strict JSON.

Everything under results/ is written here: under a temporary name in the same folder, synced and
renamed, and then the folder is synced. So a kill or a full disk never leaves half a file.
Only what is made again in a moment (`durable=False`) is not synced.
"""

import errno
import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from lethe.artefacts import strict_json
from lethe.artefacts.disk_errors import AGAIN, disk_errors_as_sentences, disk_reason
from lethe.artefacts.faults import fault_point
from lethe.artefacts.processes import process_is_alive
from lethe.artefacts.strict_json import digest
from lethe.errors import UserError, shown

__all__ = [
    "atomic_path",
    "digest",
    "file_entry",
    "json_text",
    "read_json",
    "read_object",
    "sha256_file",
    "sync",
    "write_atomic",
    "write_json",
]

CHUNK_BYTES = 1 << 20


@contextmanager
def atomic_path(path: Path | str, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` for any writer; on exit, it is renamed to `path`.

    The folder is created if needed. On any error the temporary file is removed and an older `path`
    is left unchanged. Raises UserError naming `path` when the disk is full or not writable.

    Args:
        durable: whether the file must survive a power cut. What is made again in a moment need
            not, and is spared two waits for the disk.
    """
    path = Path(path)
    temporary = _temporary_name(path)
    with disk_errors_as_sentences(path, temporary):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # whatever the system says, as of a folder in /proc
            reason = disk_reason(error)
            raise UserError(f"cannot write {path}: {reason}; fix this and {AGAIN}") from error
        if durable:
            _remove_leftovers(path.parent, path.name)
        else:
            _remove_all_leftovers(path.parent)
        try:
            temporary.touch()
            mode = temporary.stat().st_mode
            fault_point("open")
            yield temporary
            temporary.chmod(mode)  # some writers (safetensors) make files private to their owner
            fault_point("write")
            if durable:
                sync(temporary)
            fault_point("fsync")
            os.replace(temporary, path)
            fault_point("rename")
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        if durable:
            sync(path.parent)


def write_atomic(path: Path | str, content: bytes | str, durable: bool = True) -> None:
    """Write a complete file or nothing; text is UTF-8 in every locale. Raises UserError.

    durable: as in `atomic_path`.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path, durable) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path | str, value: Any, indent: int | None = 2) -> None:
    """Write JSON with sorted keys. Raises ValueError for NaN or infinity, and writes nothing."""
    write_atomic(path, json_text(value, indent))


def json_text(value: Any, indent: int | None = 2) -> str:
    """JSON with sorted keys and a line break at its end. Raises ValueError for NaN or infinity."""
    return json.dumps(value, sort_keys=True, allow_nan=False, indent=indent) + "\n"


def read_json(path: Path | str) -> Any:
    """Read strict JSON. UserError, naming the file, if it is truncated, altered or holds NaN."""
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UserError(f"{path}: expected a file, found a pipe or a device")
    try:
        return strict_json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: this file is missing") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {disk_reason(error)}") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON, perhaps truncated or altered ({error})") from None


def read_object(path: Path | str) -> dict[str, Any]:
    """Read JSON that holds keys and values, as every record does; UserError if it does not."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: expected keys and values, found {shown(content)}; was the file altered?"
        )
    return content


def sync(path: Path | str) -> None:
    """Make a file's content, or a folder's list of names, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems refuse to sync a folder; the rename itself is done by then.
        if not (error.errno == errno.EINVAL and Path(path).is_dir()):
            raise
    finally:
        os.close(descriptor)


def sha256_file(path: Path | str) -> str:
    """Hex sha256 of a file's bytes."""
    result = hashlib.sha256()
    with open(path, "rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            result.update(chunk)
    return result.hexdigest()


def file_entry(path: Path | str) -> dict[str, Any]:
    """The entry of one file in a manifest: {"size": bytes, "sha256": hex}."""
    return {"size": os.path.getsize(path), "sha256": sha256_file(path)}


def _temporary_name(path: Path) -> Path:
    return path.parent / f".{path.name}.{socket.gethostname()}.{os.getpid()}.tmp"


@cache
def _remove_all_leftovers(folder: Path) -> None:
    """Once a process: files that need not be durable come by the thousand in one folder."""
    _remove_leftovers(folder, "")


def _remove_leftovers(folder: Path, name: str) -> None:
    """Remove temporary files of `name` that killed processes of this machine left behind.

    An empty name stands for all files of the folder.
    """
    of_file = re.escape(name) or ".+"
    leftover = re.compile(rf"\.{of_file}\.{re.escape(socket.gethostname())}\.([0-9]+)\.tmp")
    for entry in os.scandir(folder):
        match = entry.name.endswith(".tmp") and leftover.fullmatch(entry.name)
        if match and not process_is_alive(int(match[1])):
            with suppress(OSError):
                os.unlink(entry.path)
