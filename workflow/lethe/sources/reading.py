"""Raw rows of data files, as a stream: no cache on disk, no loading script.

All are read here. The readers of `datasets` end the whole process at deep nesting of JSON, take
texts that look like dates or numbers for dates and numbers, and give the columns of a parquet file
the types of the file before it.
"""

import re
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from lethe.artefacts import strict_json
from lethe.artefacts.jsonlines import iterate_rows
from lethe.errors import UserError, shown, some_of
from lethe.sources.broken_files import DELIMITERS, refuse_broken, table_rows

JSON = {".json", ".jsonl"}
FORMATS = (".parquet", *DELIMITERS, *sorted(JSON))
PLAIN_TEXT = ".txt"
BATCH_ROWS = 1000


def read_raw(files: list[Path], where: str) -> Iterator[dict]:
    """Rows of files of one format, in order.

    Args:
        files: parquet, csv, tsv, jsonl, or json that is a list of objects.
        where: the key of the source, for messages.

    Raises:
        UserError: an unknown format, or a file that cannot be read.
    """
    suffixes = {file.suffix for file in files}
    if len(suffixes) != 1 or not suffixes <= set(FORMATS):
        hint = "; plain text, a text a line, has `loader: text_lines`"
        raise UserError(
            f"{where}: expected files of one format ({', '.join(FORMATS)}), "
            f"found {', '.join(sorted(file.name for file in files)) or 'none'}"
            f"{hint if suffixes == {PLAIN_TEXT} else ''}."
        )
    if suffixes <= JSON:
        yield from _with_equal_columns(read_objects(files, where))
        return
    for file in files:
        refuse_broken(file, where, rows=0)
        yield from (table_rows if file.suffix in DELIMITERS else _parquet_rows)(file, where)


def _parquet_rows(file: Path, where: str) -> Iterator[dict]:
    """Rows of a parquet file, every value as the type that its own column has.

    Raises:
        UserError: a file that is damaged, or a column that occurs twice.
    """
    import pyarrow.parquet  # takes a third of a second, and is not needed for texts

    try:
        with pyarrow.parquet.ParquetFile(file) as opened:
            names = opened.schema_arrow.names
            for name in names:
                if names.count(name) > 1:
                    raise UserError(f"{where}: {file}: the column {shown(name)} occurs twice.")
            for batch in opened.iter_batches(batch_size=BATCH_ROWS):
                yield from batch.to_pylist()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        message = str(error).split("\n")[0]
        raise UserError(f"{where}: {file} cannot be read as parquet: {message}.") from None


def _with_equal_columns(rows: Iterator[dict]) -> Iterator[dict]:
    """Rows in which a key that others nearby have is null, as in a table."""
    while batch := list(islice(rows, BATCH_ROWS)):
        columns = dict.fromkeys(key for row in batch for key in row)
        yield from ({column: row.get(column) for column in columns} for row in batch)


def read_objects(files: list[Path], where: str) -> Iterator[dict]:
    """Rows of json files, in order: one object per line, a list of objects, or a dict of them.

    Other formats are read with `read_raw`.

    Raises:
        UserError: a file that is not JSON, or holds something else.
    """
    if {file.suffix for file in files} - JSON:
        yield from read_raw(files, where)
        return
    for file in files:
        refuse_broken(file, where, rows=0)
        content = _json_value(file, where) if file.suffix == ".json" else None
        if isinstance(content, dict) and all(isinstance(row, dict) for row in content.values()):
            content = list(content.values())
        if content is None or isinstance(content, dict):
            yield from iterate_rows(file, where)
            continue
        if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
            raise UserError(
                f"{where}: {file}: expected JSON objects, one per line, in a list or by key."
            )
        yield from content


def _json_value(file: Path, where: str) -> Any:
    """The content of a file that is a single JSON value; None if it may hold one per line."""
    text = _text(file, where)
    try:
        return strict_json.loads(text, as_written=True)
    except ValueError as error:
        if text.lstrip().startswith("["):
            raise UserError(f"{where}: {file} is not JSON ({error}).") from None
        return None


def _text(file: Path, where: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: {file} is not UTF-8 text: {error.reason} at byte {error.start}."
        ) from None


def read_paired_lines(first: Path, second: Path, names: tuple[str, str], where: str):
    """Rows of two text files whose lines belong together.

    Raises:
        UserError: one file has more lines than the other.
    """
    for file in (first, second):
        refuse_broken(file, where)
    # A carriage return within a line is a part of its text.
    with (
        open(first, encoding="utf-8-sig", newline="\n") as left,
        open(second, encoding="utf-8-sig", newline="\n") as right,
    ):
        yield from pair_lines(left, right, names, f"{where}: {first} and {second}")


def pair_lines(left, right, names: tuple[str, str], what: str) -> Iterator[dict]:
    """Rows of two streams of lines; `what` names them in messages."""
    number = 0
    try:
        for number, lines in enumerate(zip_longest(left, right), start=1):
            if None in lines:
                raise UserError(
                    f"{what}: expected as many lines in both, one ends before line {number}."
                )
            texts = (line.removesuffix("\n").removesuffix("\r") for line in lines)
            yield dict(zip(names, texts, strict=True))
    except UnicodeDecodeError as error:
        raise UserError(
            f"{what}: expected UTF-8 text, found other bytes after line {number} ({error.reason})."
        ) from None


def read_parallel_lists(file: Path, where: str) -> Iterator[dict]:
    """Rows {src, tgt} of a file of parallel lists, the format of the authors' data.

    It is one JSON object, which a stream of `datasets` cannot split into rows.

    Raises:
        UserError: not JSON, no lists `src` and `tgt`, or lists of different lengths.
    """
    refuse_broken(file, where)
    try:
        content = strict_json.loads(_text(file, where))
    except ValueError as error:
        raise UserError(f"{where}: {file} is not JSON ({error}).") from None
    lists = [content.get(key) for key in ("src", "tgt")] if isinstance(content, dict) else []
    if not lists or not all(isinstance(entries, list) for entries in lists):
        found = ", ".join(sorted(content)) if isinstance(content, dict) else shown(content)
        raise UserError(f"{where}: {file}: expected the lists `src` and `tgt`, found {found}.")
    if len(content["src"]) != len(content["tgt"]):
        raise UserError(
            f"{where}: {file}: expected as many `src` as `tgt`, found {len(content['src'])} "
            f"and {len(content['tgt'])}."
        )
    for number, (source, target) in enumerate(zip(*lists, strict=True), start=1):
        for key, value in (("src", source), ("tgt", target)):
            texts = value if key == "tgt" and isinstance(value, list) else [value]
            if not all(isinstance(text, str | None) for text in texts):
                raise UserError(
                    f"{where}: {file}: entry {number} of `{key}`: expected text, found "
                    f"{shown(value)}."
                )
        yield {"src": source, "tgt": target}


# Publishers' names for the splits that are called train, validation and test here.
SPLITS = {
    "train": ("train",),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test",),
}
# {split: {part: files}}; the part is "" for plain tables of rows.
RawFiles = dict[str, dict[str, list[Path]]]


def local_files(files: dict[str, dict], where: str) -> RawFiles:
    """Local files, from keys SPLIT or SPLIT.PART.

    Raises:
        UserError: a key that names no split; `where` names the source's key.
    """
    raw: RawFiles = {}
    for key, file in files.items():
        split, _, part = key.partition(".")
        if split not in SPLITS:
            raise UserError(
                f"{where}.files.{key}: expected a split ({', '.join(SPLITS)}), optionally with a "
                f"part as in train.1, found {key!r}."
            )
        # Numbered parts are pieces of one table; other parts have a meaning for the loader.
        raw.setdefault(split, {}).setdefault("" if part.isdigit() else part, []).append(
            Path(file["path"])
        )
    return raw


def fetched_files(
    folder: Path, subset: str | None, patterns: dict[str, list[str] | None], where: str
) -> RawFiles:
    """Data files of a fetched repository by split.

    Args:
        folder: the repository's files.
        subset: only files below a folder of this name, if there is one.
        patterns: glob patterns by split; if all are None, splits are found by the files' names.

    Raises:
        UserError: a pattern that matches no file, or no file name that names a split.
    """
    raw: RawFiles = {}
    for split in SPLITS:
        if not (globs := patterns[split]):
            continue
        files = sorted({file for glob in globs for file in folder.glob(glob) if file.is_file()})
        if not files:
            raise UserError(
                f"{where}.parameters.splits.{split}: expected fetched files that match "
                f"{', '.join(globs)}, found {_listed(folder)}."
            )
        raw[split] = {"": files}
    if raw:
        return raw
    for split, names in SPLITS.items():
        files = [file for file in _data_files(folder, subset) if _names(file, folder, names)]
        if files:
            raw[split] = {"": files}
    if not raw:
        raise UserError(
            f"{where}: expected fetched files whose names contain a split ({', '.join(SPLITS)}), "
            f"found {_listed(folder)}; name the files in {where}.parameters.splits."
        )
    return raw


def _data_files(folder: Path, subset: str | None) -> list[Path]:
    suffixes = (".parquet", ".csv", ".tsv", ".json", ".jsonl")
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in suffixes]
    below = [f for f in files if subset and subset in f.relative_to(folder).parts[:-1]]
    return below or files


def _names(file: Path, folder: Path, names: tuple[str, ...]) -> bool:
    words = re.split(r"[^a-z]+", str(file.relative_to(folder)).lower())
    return any(name in words for name in names)


def _listed(folder: Path) -> str:
    files = sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())
    return some_of(files, most=8) or "none"
