"""What can be said of a data file from its bytes, before a library reads it.

The readers of `datasets` end in a crash of the whole process at deep nesting, take an unbalanced
quote for a cell of many lines, and fill a short row silently.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from lethe.artefacts.disk_errors import disk_reason
from lethe.artefacts.jsonlines import iterate_rows
from lethe.errors import UserError, shown

PARQUET = b"PAR1"
# First bytes of what is often given in place of a text, and what to do about it.
OTHERS = {
    b"\x1f\x8b": "compressed with gzip; unpack it",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"BZh": "compressed with bzip2; unpack it",
    b"\xfd7zXZ": "compressed with xz; unpack it",
    b"(\xb5/\xfd": "compressed with zstandard; unpack it",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    PARQUET: "a parquet file; give it the ending .parquet",
}
DELIMITERS = {".csv": ",", ".tsv": "\t"}
LINES = {".csv", ".tsv", ".jsonl"}
TEXTS = LINES | {".json"}


def refuse_broken(file: Path, where: str, rows: int | None = None) -> None:
    """Refuse a data file that is not what its name says, or that readers would misread.

    Args:
        where: the key that names the file, for messages.
        rows: how many rows are looked at; None: all.

    Raises:
        UserError: names the file and, within a text, the line.
    """
    with _unreadable_as_sentence(file, where):
        if file.is_dir():
            raise UserError(f"{where}: {file}: expected a file, found a folder.")
        if not file.stat().st_size:
            raise UserError(f"{where}: {file}: expected rows, found an empty file.")
        if file.suffix == ".parquet":
            _require_parquet(file, where)
        if file.suffix in TEXTS:
            _require_text(file, where)
        if file.suffix in DELIMITERS:
            for _ in islice(table_rows(file, where), rows):
                pass
        if file.suffix == ".jsonl":
            for _ in islice(iterate_rows(file, where), rows):
                pass


@contextmanager
def _unreadable_as_sentence(file: Path, where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{where}: {file} cannot be read: {disk_reason(error)}.") from None


def _require_parquet(file: Path, where: str) -> None:
    with open(file, "rb") as opened:
        first = opened.read(4)
        opened.seek(-min(4, file.stat().st_size), 2)
        if first != PARQUET or opened.read() != PARQUET:
            raise UserError(
                f"{where}: {file}: expected a parquet file, found another or half of one."
            )


def _require_text(file: Path, where: str) -> None:
    with open(file, "rb") as opened:
        start = opened.read(8)
    for magic, words in OTHERS.items():
        if start.startswith(magic):
            raise UserError(f"{where}: {file}: expected {file.suffix[1:]} text, found {words}.")


def _require_separator(header: list[str], file: Path, where: str) -> None:
    """Refuse a header of one cell that another separator would make several."""
    own = DELIMITERS[file.suffix]
    others = [mark for mark in ",;\t|" if mark != own and len(header) == 1 and mark in header[0]]
    if others:
        wanted = "tabs" if own == "\t" else "commas"
        raise UserError(
            f"{where}: {file}: expected columns separated by {wanted}, found {shown(others[0])} in "
            f"the header {shown(header[0])}; write the file with {wanted}."
        )


def table_rows(file: Path, where: str) -> Iterator[dict[str, str]]:
    """Rows of a csv or tsv below its header, which are as wide as the header; blank lines are none.

    Every cell is text, as it is written: other readers take 007 for 7, and True for no text.

    Raises:
        UserError: a row of another width, a column that occurs twice, a quote that does not end,
            or bytes that are no text.
    """
    most = csv.field_size_limit(sys.maxsize)
    begins = 1  # line on which the row at hand begins
    try:
        with open(file, encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, delimiter=DELIMITERS[file.suffix], strict=True)
            header = next(reader, [])
            _require_separator(header, file, where)
            for name in filter(None, header):
                if header.count(name) > 1:
                    raise UserError(f"{where}: {file}: the column {shown(name)} occurs twice.")
            begins = reader.line_num + 1
            for row in filter(None, reader):
                if len(row) != len(header):
                    raise UserError(
                        f"{where}: {file}, line {begins}: expected {len(header)} fields as in the "
                        f"header, found {len(row)}."
                    )
                if any("\0" in field for field in row):
                    raise UserError(f"{where}: {file}, line {begins}: found a NUL character.")
                yield dict(zip(header, row, strict=True))
                begins = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{where}: {file}, row from line {begins}: a quote is not closed, or not doubled "
            f"inside a quoted field ({error})."
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: {file} is not UTF-8 text: {error.reason} at line {begins} or after it."
        ) from None
    finally:
        csv.field_size_limit(most)
