"""Read and write files with one JSON object per line."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from lethe.artefacts import strict_json
from lethe.artefacts.disk_errors import disk_reason
from lethe.artefacts.files import write_atomic
from lethe.errors import UserError, shown


def read_rows(path: Path | str) -> list[dict]:
    """All rows of a jsonl file.

    Raises:
        UserError: the file is missing or a line is not a JSON object; names the file and line.
    """
    return list(iterate_rows(path))


def iterate_rows(path: Path | str, where: str = "") -> Iterator[dict]:
    """Rows of a jsonl file, one by one; raises as `read_rows`, when it comes to the line.

    where: the key that names the file, for messages; empty if it is no user's file.
    """
    return (row for _, row in numbered_rows(path, where))


def numbered_rows(path: Path | str, where: str = "") -> Iterator[tuple[int, dict]]:
    """As `iterate_rows`, each row with the number of its line, from 1."""
    file = f"{where}: {path}" if where else str(path)
    try:
        with open(path, "rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _row(line, f"{file}, line {number}")
    except FileNotFoundError:
        raise UserError(f"Expected the file {path}, found nothing there.") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {disk_reason(error)}.") from None


def _row(line: bytes, place: str) -> dict:
    try:
        row = strict_json.loads(line.decode("utf-8-sig"), as_written=True)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{place}: not UTF-8 text: {error.reason} at byte {error.start} of the line."
        ) from None
    except ValueError as error:
        reason = getattr(error, "msg", error)
        raise UserError(f"{place}: not JSON ({reason}).") from None
    if not isinstance(row, dict):
        raise UserError(f"{place}: expected a JSON object, found {shown(row)}.")
    return row


def write_rows(path: Path | str, rows: Iterable[dict]) -> None:
    """Write rows as jsonl, atomically; keys keep their order."""
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    write_atomic(path, "".join(line + "\n" for line in lines))
