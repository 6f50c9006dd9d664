"""Read and write files with one JSON object per line."""

import json
from collections.abc import Iterable
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
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"Expected the file {path}, found nothing there.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {disk_reason(error)}.") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 text: {error.reason} at byte {error.start}."
        ) from None
    rows = []
    # str.splitlines would also split at U+2028 inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = strict_json.loads(line)
        except ValueError as error:
            reason = getattr(error, "msg", error)
            raise UserError(f"{path}, line {number}: not JSON ({reason}).") from None
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number}: expected a JSON object, found {shown(row)}.")
        rows.append(row)
    return rows


def write_rows(path: Path | str, rows: Iterable[dict]) -> None:
    """Write rows as jsonl, atomically; keys keep their order."""
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    write_atomic(path, "".join(line + "\n" for line in lines))
