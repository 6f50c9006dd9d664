"""Raw rows of data files, read by `datasets` as a stream: no cache on disk, no loading script."""

from lethe.evaluation import environment  # noqa: F401  isort: skip (before its readers)

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import datasets

from lethe.errors import UserError
from lethe.jsonlines import read_rows

# Texts stay texts: pandas would read the words "NA" and "None" as missing values.
_CSV = {"keep_default_na": False}
FORMATS = {
    ".parquet": ("parquet", {}),
    ".csv": ("csv", _CSV),
    ".tsv": ("csv", {**_CSV, "sep": "\t"}),
    ".json": ("json", {}),
    ".jsonl": ("json", {}),
}
BATCH_ROWS = 1000


def read_raw(files: list[Path], where: str) -> Iterator[dict]:
    """Rows of files of one format, in order.

    Args:
        files: parquet, csv, tsv, jsonl, or json that is a list of objects.
        where: the key of the source, for messages.

    Raises:
        UserError: a format that is not known, or a file that cannot be read.
    """
    suffixes = {file.suffix for file in files}
    if len(suffixes) != 1 or not suffixes <= FORMATS.keys():
        raise UserError(
            f"{where}: expected files of one format ({', '.join(FORMATS)}), "
            f"found {', '.join(sorted(file.name for file in files)) or 'none'}."
        )
    kind, options = FORMATS[suffixes.pop()]
    try:
        stream = datasets.load_dataset(
            kind, data_files=[str(file) for file in files], split="train", streaming=True, **options
        )
        for batch in stream.with_format("arrow").iter(batch_size=BATCH_ROWS):
            yield from batch.to_pylist()
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        names = ", ".join(str(file) for file in files)
        message = str(error).split("\n")[0]
        raise UserError(f"{where}: {names} cannot be read as {kind}: {message}.") from None


def read_objects(files: list[Path], where: str) -> Iterator[dict]:
    """Rows of small json files, in order: objects one a line, a list of them, or objects by key.

    Their objects may differ in fields that nobody reads, which no stream of `datasets` allows;
    files of other formats are read as `read_raw` reads them.

    Raises:
        UserError: a file that is not JSON, or holds something else.
    """
    if {file.suffix for file in files} - {".json", ".jsonl"}:
        yield from read_raw(files, where)
        return
    for file in files:
        content = _whole(file) if file.suffix == ".json" else None
        if isinstance(content, dict) and all(isinstance(row, dict) for row in content.values()):
            content = list(content.values())
        if content is None or isinstance(content, dict):
            content = read_rows(file)
        if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
            raise UserError(
                f"{where}: {file}: expected JSON objects, one a line, in a list or by key."
            )
        yield from content


def _whole(file: Path) -> Any:
    """What a file holds that is one JSON value, else None."""
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError:
        return None


def read_paired_lines(first: Path, second: Path, names: tuple[str, str], where: str):
    """Rows of two text files whose lines belong together.

    Raises:
        UserError: one file has more lines than the other.
    """
    with open(first, encoding="utf-8") as left, open(second, encoding="utf-8") as right:
        yield from pair_lines(left, right, names, f"{where}: {first} and {second}")


def pair_lines(left, right, names: tuple[str, str], what: str) -> Iterator[dict]:
    """Rows of two streams of lines; `what` names them in messages."""
    for number, lines in enumerate(zip_longest(left, right), start=1):
        if None in lines:
            raise UserError(f"{what}: expected as many lines in both, one ends before {number}.")
        yield {name: line.rstrip("\n") for name, line in zip(names, lines, strict=True)}


def read_parallel_lists(file: Path, where: str) -> Iterator[dict]:
    """Rows {src, tgt} of a file of parallel lists, the form in which the authors' data lies.

    It is one JSON object, which no stream of `datasets` takes apart.

    Raises:
        UserError: not JSON, no lists `src` and `tgt`, or lists of different lengths.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{where}: {file} is not JSON ({error}).") from None
    if not isinstance(content, dict) or not {"src", "tgt"} <= content.keys():
        found = ", ".join(sorted(content)) if isinstance(content, dict) else type(content).__name__
        raise UserError(f"{where}: {file}: expected the lists `src` and `tgt`, found {found}.")
    if len(content["src"]) != len(content["tgt"]):
        raise UserError(
            f"{where}: {file}: expected as many `src` as `tgt`, found {len(content['src'])} "
            f"and {len(content['tgt'])}."
        )
    for source, target in zip(content["src"], content["tgt"], strict=True):
        yield {"src": source, "tgt": target}
