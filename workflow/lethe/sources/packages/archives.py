"""Read files out of a wheel, an sdist or an npm tarball, without running or trusting any of it."""

import gzip
import hashlib
import json
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import HeaderParser
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Any

from lethe.artefacts.disk_errors import DISK_ERRORS, disk_errors_as_sentences
from lethe.artefacts.files import CHUNK_BYTES
from lethe.artefacts.manifests import is_inside
from lethe.errors import UserError, shown, some_of

DAMAGED = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, LZMAError)
LARGEST_METADATA = 2**22
"""Bytes of a package's description of itself that are read at most."""


@contextmanager
def _odd_bytes_as_damage() -> Iterator[None]:
    """What readers of archives answer to odd bytes, as an error of `DAMAGED`; what a disk says not.

    A password is a RuntimeError, and so is a compression that is not known.
    """
    try:
        yield
    except DAMAGED:
        raise
    except (RuntimeError, ValueError, IndexError, OverflowError, OSError, struct.error) as error:
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            raise
        raise zipfile.BadZipFile(str(error)) from error


class Archive:
    """The files of an archive by their path, without the outer folder of a tarball."""

    def __init__(self, path: Path):
        self.path = path
        self.entries: dict[str, tuple[Any, int]] = {}
        with _odd_bytes_as_damage():
            if zipfile.is_zipfile(path):
                self._file: Any = zipfile.ZipFile(path)
                self._add_zipped()
            else:
                self._file = tarfile.open(path)
                self._add_tarred()
        self._require_apart()

    def _add_zipped(self) -> None:
        # An sdist may be a zip, with an outer folder; a wheel has none.
        outer = 0 if self.path.suffix == ".whl" else 1
        for info in self._file.infolist():
            self._add(info.filename, outer, info, info.file_size, not info.is_dir())

    def _add_tarred(self) -> None:
        for info in self._file:
            if not (info.isfile() or info.isdir()) and not info.name.startswith("pax_global"):
                raise UserError(
                    f"{self.path.name}: expected plain files in the archive, found a link or a "
                    f"device, {shown(info.name)}; such an archive is not unpacked."
                )
            self._add(info.name, 1, info, info.size, info.isfile())

    def _add(self, name: str, outer: int, info: Any, size: int, is_file: bool) -> None:
        """Note one entry; UserError for a name that leads out of the folder or comes twice."""
        leads_out = name.startswith("/") or ".." in name.split("/")
        if leads_out or "\\" in name or "\0" in name or (is_file and not is_inside(name)):
            raise UserError(
                f"{self.path.name}: expected names of files inside the archive, found "
                f"{shown(name)}, which leads out of it; such an archive is not unpacked."
            )
        inner = "/".join(PurePosixPath(name).parts[outer:])
        if not is_file or not inner:
            return
        if inner in self.entries:
            raise UserError(f"{self.path.name}: holds {shown(inner)} twice; it is not unpacked.")
        self.entries[inner] = (info, size)

    def _require_apart(self) -> None:
        """UserError for a name that is a file's and a folder's."""
        for name in self.entries:
            for folder in map(str, PurePosixPath(name).parents):
                if folder in self.entries:
                    raise UserError(
                        f"{self.path.name}: holds {shown(folder)} as a file and as a folder; it is "
                        "not unpacked."
                    )

    def chunks(self, name: str, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The bytes of one file, in pieces."""
        (info, promised), read = self.entries[name], 0
        is_zip = isinstance(self._file, zipfile.ZipFile)
        with _odd_bytes_as_damage():
            file = self._file.open(info) if is_zip else self._file.extractfile(info)
        with file:
            while True:
                with _odd_bytes_as_damage():
                    chunk = file.read(size)
                if not chunk:
                    break
                read += len(chunk)
                yield chunk
        if read != promised:
            raise zipfile.BadZipFile(f"{name} has {read} bytes, and not {promised}")

    def read(self, name: str) -> str:
        """The beginning of a small file as text."""
        return next(self.chunks(name, LARGEST_METADATA), b"").decode("utf-8", "replace")

    def close(self) -> None:
        self._file.close()


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """An archive; what cannot be read in it is a UserError."""
    archive = None
    try:
        archive = Archive(path)
        yield archive
    except DAMAGED as error:
        raise UserError(
            f"{path.name}: cannot be unpacked ({error}); expected a wheel, an sdist or an npm "
            "tarball, so correct `package` in the catalogue."
        ) from error
    finally:
        if archive is not None:
            archive.close()


def keep_members(archive: Archive, members: dict[str, str | None], folder: Path) -> dict[str, int]:
    """Write the members of an archive into a folder; return their sizes in bytes by path.

    Args:
        members: files or folders of the archive, with the sha256 that a file must have, or None.

    Raises:
        UserError: a member is missing or has another digest, or there is no room on the disk.
    """
    chosen = {path: digest for name in members for path, digest in _paths(archive, name, members)}
    for path in chosen:
        # Half a character stands for a byte that is no text; no record could hold it.
        if not path.isprintable():
            raise UserError(
                f"{shown(path)} in {archive.path.name}: expected names in UTF-8 that can be "
                "printed; leave it out of `members` of the package."
            )
    sizes = {path: archive.entries[path][1] for path in sorted(chosen)}
    require_room(sum(sizes.values()), folder, archive.path.name)
    for path in sizes:
        found = _write(archive, path, folder / path)
        wanted = chosen[path]
        if wanted is not None and wanted != found:
            raise UserError(
                f"{path} in {archive.path.name}: expected the sha256 {wanted[:12]}..., found "
                f"{found}; correct it in `members` of the package, or do not use this package."
            )
    return sizes


def require_room(needed: int, folder: Path, what: str) -> None:
    """Raise UserError if the disk of a folder, which need not exist, has fewer bytes free."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise UserError(
            f"{what} needs {needed / 1e9:.2f} GB on the disk of {folder}, but only "
            f"{free / 1e9:.2f} GB are free; free some space, or set `output` to a larger disk."
        )


def licence_of(archive: Archive) -> str:
    """The licence that a package's own description names; "" if it names none."""
    for name in archive.entries:
        if name == "package.json":
            return _licence_of_npm(archive.read(name))
        if name == "PKG-INFO" or (name.endswith(".dist-info/METADATA") and name.count("/") == 1):
            fields = HeaderParser().parsestr(archive.read(name))
            named = fields.get("License-Expression") or fields.get("License") or ""
            classes = fields.get_all("Classifier") or []
            classified = [c.rpartition("::")[2].strip() for c in classes if c.startswith("License")]
            return named.strip().split("\n")[0] or ", ".join(classified)
    return ""


def _licence_of_npm(text: str) -> str:
    try:
        named = json.loads(text).get("license", "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return str(named.get("type", "") if isinstance(named, dict) else named)


def _paths(
    archive: Archive, name: str, members: dict[str, str | None]
) -> list[tuple[str, str | None]]:
    """The files that a member stands for, each with the digest that it must have."""
    if name in archive.entries:
        return [(name, members[name])]
    below = [path for path in archive.entries if path.startswith(f"{name}/")]
    if not below:
        paths = sorted(archive.entries)
        raise UserError(
            f"{archive.path.name}: expected the member {shown(name)}, found "
            f"{some_of(paths) or 'nothing'}; correct `members` of the package."
        )
    if members[name] is not None:
        raise UserError(
            f"{name} in {archive.path.name} is a folder, which has no sha256 of its own; set it to "
            "null in `members` of the package."
        )
    # A file that is named itself as well keeps its own digest.
    return [(path, members.get(path)) for path in below]


def _write(archive: Archive, name: str, path: Path) -> str:
    """Write one file; return its hex sha256."""
    digest = hashlib.sha256()
    try:
        with disk_errors_as_sentences(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _created(path) as target:
                for chunk in archive.chunks(name):
                    digest.update(chunk)
                    target.write(chunk)
    except _SameName:
        raise UserError(
            f"{name} in {archive.path.name}: the disk of {path.parent} takes this name for that of "
            "another file of the package, as disks do that mix capitals and small letters; set "
            "`output` to another disk."
        ) from None
    return digest.hexdigest()


class _SameName(Exception):
    """A new file is there already: a disk takes two names for one."""


def _created(path: Path) -> IO[bytes]:
    try:
        return open(path, "xb")
    except FileExistsError:
        raise _SameName from None
