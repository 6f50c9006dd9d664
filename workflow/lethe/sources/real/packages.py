"""Files of the packages that the data is made from, wherever in a package they lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.errors import UserError, shown
from lethe.sources.broken_files import OTHERS


@dataclass(frozen=True)
class Part:
    """A part of the real data, and what was kept of the package that it is made from.

    name: the key of `made_from`. package: its name and version, for messages.
    """

    name: str
    folder: Path
    package: str = "its package"

    def files(self, pattern: str) -> list[Path]:
        """Files whose path ends with a pattern, as of `Path.rglob`, in order.

        Raises:
            UserError: there is none.
        """
        found = sorted(path for path in self.folder.rglob(pattern) if path.is_file())
        if not found:
            raise UserError(
                f"made_from.{self.name}: expected files {pattern} in {self.package}, found none; "
                "name another package, or keep more of its members."
            )
        return found

    def file(self, name: str) -> Path:
        """The one file of a name.

        Raises:
            UserError: there is none, or another one.
        """
        path, *others = self.files(name)
        if others:
            raise UserError(
                f"made_from.{self.name}: expected one file {name} in {self.package}, found "
                f"{self.inside(path)} and {self.inside(others[0])}; keep fewer of its members."
            )
        return path

    def inside(self, path: Path) -> str:
        """A file's path within the package."""
        return path.relative_to(self.folder).as_posix()

    def text(self, path: Path) -> str:
        """A text in UTF-8; a mark at its beginning and the kind of its line ends do not count.

        Raises:
            UserError: it is no such text.
        """
        try:
            text = path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            start = path.read_bytes()[:8]
            known = (words for magic, words in OTHERS.items() if start.startswith(magic))
            found = next(known, f"bytes that are none ({error.reason} at byte {error.start})")
            raise self.wrong(path, "text in UTF-8", found) from None
        if "\0" in text:
            raise self.wrong(path, "text in UTF-8", "a NUL character")
        return text

    def lines(self, path: Path) -> Iterator[tuple[int, str]]:
        """The lines of a text that are not empty, each with its number from 1.

        Raises:
            UserError: as of `text`, or there are none.
        """
        text = self.text(path)
        if not text.strip():
            raise self.wrong(path, "lines of text", "an empty file")
        lines = enumerate(text.split("\n"), start=1)
        return ((number, line) for number, line in lines if line.strip())

    def wrong(self, path: Path, expected: str, found: Any, line: int | None = None) -> UserError:
        """The error of a file that is not as it should be.

        found: in words, or a value of the file in a tuple of its own.
        """
        words = shown(*found) if isinstance(found, tuple) else found
        place = "" if line is None else f", line {line}"
        return UserError(
            f"made_from.{self.name}: {self.inside(path)} of {self.package}{place}: expected "
            f"{expected}, found {words}."
        )
