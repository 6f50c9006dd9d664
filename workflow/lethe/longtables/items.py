"""The tables of items: for each evaluation set, one Parquet file of every item on every checkpoint.

A study may score millions of items, so no more than one set is ever held as a whole.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lethe.artefacts.files import atomic_path, sha256_file
from lethe.errors import UserError
from lethe.longtables.file_names import file_stem
from lethe.longtables.rows import ITEMS, ITEMS_VERSION, SCHEMAS, VALUE

ENDING = ".parquet"
TYPES = {"string": pa.string(), "integer": pa.int32(), "number": pa.float64()}
TYPES["array"] = pa.list_(pa.float64())
COLUMNS = {
    column: TYPES[rule["type"] if isinstance(rule["type"], str) else rule["type"][0]]
    for column, rule in SCHEMAS["items"]["properties"].items()
}
"""The type of every column but those of metrics."""
SCOPE = "cluster_scope"
NAMES = ["node", "probe", "subset", "item_id", "cluster_id", SCOPE]
"""Texts that repeat: they are read as categories."""
ANSWERS = ["node", "item_id", "correct", "margin", "gold_logprob", "predicted"]
"""Columns that show what a checkpoint answered."""
CLUSTERS = ["node", "cluster_id", SCOPE]
LEFT_OUT = ("predicted", "choice_logprobs", "schema_version")
"""Columns that no metric reads."""
CHOICES, CHOICE = "choices", "choice_"
"""Columns in place of `choice_logprobs`: the number of choices, and each one's log-probability."""
# Rows of one row group of a file, and rows that are held before they are set aside on the disk.
GROUP_ROWS, HELD_ROWS = 1 << 16, 1 << 18


def file_name(probe: str) -> str:
    """The name of the file of a set's table of items."""
    return file_stem(probe) + ENDING


class ItemsWriter:
    """Writes the tables of items of a study, set by set, in the order in which rows are added.

    The same rows give the same bytes, and a file that would not change is not written again. Files
    of sets that were not added are removed.
    """

    def __init__(self, folder: Path, work: Path):
        """folder: of the files. work: for rows that are set aside; emptied at the start and end."""
        self.rows = 0
        self._folder, self._work = folder, work
        self._held: dict[str, list[pa.Table]] = {}
        self._held_rows = 0
        self._aside: dict[str, list[Path]] = {}

    def __enter__(self) -> Self:
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._work, ignore_errors=True)

    def add(self, node: str, probe: str, items: list[dict[str, Any]]) -> None:
        """Add the items of one set on one checkpoint; `metrics` of an item are its values by name.

        Raises:
            UserError: a value is outside of what its column may hold.
        """
        table = _table(node, probe, items)
        _require_bounds(table, f"the items of {probe} on {node}")
        self.add_rows(probe, table)

    def add_rows(self, probe: str, table: pa.Table) -> None:
        """Add rows of a table of items of one set, as they stand in its file."""
        self._held.setdefault(probe, []).append(table)
        self.rows += len(table)
        self._held_rows += len(table)
        if self._held_rows >= HELD_ROWS:
            self._set_aside()

    def finish(self) -> list[Path]:
        """Write the files; their paths, sorted."""
        self._set_aside()
        self._folder.mkdir(parents=True, exist_ok=True)
        files = [self._write(probe, parts) for probe, parts in sorted(self._aside.items())]
        for old in set(self._folder.glob(f"*{ENDING}")) - set(files):
            old.unlink()
        return sorted(files)

    def _set_aside(self) -> None:
        for probe, tables in self._held.items():
            parts = self._aside.setdefault(probe, [])
            path = self._work / f"{file_name(probe)}.{len(parts)}"
            whole = pa.concat_tables(tables, promote_options="default")
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, whole.schema) as writer:
                writer.write_table(whole)
            parts.append(path)
        self._held, self._held_rows = {}, 0

    def _write(self, probe: str, parts: list[Path]) -> Path:
        """The file of one set, from its rows on the disk."""
        tables = [pa.ipc.open_file(pa.memory_map(str(part))).read_all() for part in parts]
        whole = pa.concat_tables(tables, promote_options="default")
        schema = pa.schema([whole.schema.field(name) for name in _ordered(whole.column_names)])
        schema = schema.with_metadata({"probe": probe})
        made = self._work / "written"
        with pq.ParquetWriter(made, schema, compression="zstd") as writer:
            # Pages end where arrays end, so rows are joined: bytes must not depend on the parts.
            for first in range(0, max(len(whole), 1), GROUP_ROWS):
                rows = whole.slice(first, GROUP_ROWS).select(schema.names).combine_chunks()
                writer.write_table(rows.cast(schema), GROUP_ROWS)
        path = self._folder / file_name(probe)
        if not path.is_file() or sha256_file(path) != sha256_file(made):
            with atomic_path(path) as temporary:
                shutil.copyfile(made, temporary)
        return path


def read_items(path: Path | str, left_out: Iterable[str] = ()) -> pd.DataFrame:
    """The table of items of one set, without the columns `left_out`; names are categories.

    Raises:
        UserError: the file is missing, damaged, or no table of items.
    """
    return _read(Path(path), left_out).to_pandas(use_threads=False)


def read_items_with_choices(path: Path | str) -> pd.DataFrame:
    """The table of items of one set, with CHOICES in place of the lists of log-probabilities.

    `choices` is the number of choices, nan where there are none; choice_0, choice_1, ... are their
    log-probabilities in nats, nan beyond the last one. Answers are categories.

    Raises:
        UserError: as for `read_items`.
    """
    table = _read(Path(path), ("schema_version",), ("predicted",))
    lists = table["choice_logprobs"].combine_chunks()
    frame = table.drop_columns("choice_logprobs").to_pandas(use_threads=False)
    del table
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    flat = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
    first = np.cumsum(counts) - counts
    of_choices = {}
    for place in range(int(counts.max(initial=0))):
        has = counts > place
        of_choices[f"{CHOICE}{place}"] = values = np.full(len(frame), np.nan)
        values[has] = flat[first[has] + place]
    return frame.assign(**{CHOICES: np.where(counts > 0, counts, np.nan)}, **of_choices)


def read_answers(path: Path | str) -> pd.DataFrame:
    """The columns ANSWERS of the table of items of one set; raises as `read_items`."""
    return _read(Path(path), (), only=ANSWERS).to_pandas(use_threads=False)


def item_files(folder: Path) -> dict[str, Path]:
    """The tables of items in a folder, by evaluation set; UserError if one is no such table."""
    return {_probe_of(path): path for path in sorted(folder.glob(f"*{ENDING}"))}


def _read(
    path: Path,
    left_out: Iterable[str],
    more_names: Iterable[str] = (),
    only: Iterable[str] | None = None,
) -> pa.Table:
    """A checked table of items; NAMES and `more_names` have a dictionary."""
    try:
        present = pq.read_schema(path).names
        repeated = [name for name in (*NAMES, *more_names) if name in present]
        with pq.ParquetFile(path, read_dictionary=repeated) as file:
            _require_columns(path, file.schema_arrow)
            columns = [name for name in only or present if name in present and name not in left_out]
            table = with_scope(file.read(columns, use_threads=False))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (OSError, pa.ArrowException) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path}: cannot be read as Parquet ({reason})") from None
    for column in set(columns) & ITEMS.keys():
        if "null" not in SCHEMAS["items"]["properties"][column]["type"]:
            if table[column].null_count:
                raise UserError(f"{path}: column {column!r} has an empty field")
    return table.unify_dictionaries()


class ItemTables(Mapping[str, pd.DataFrame]):
    """The tables of items in a folder, by evaluation set; each is read when it is asked for.

    Without the columns that no metric reads, or with the choices (`read_items_with_choices`).
    """

    def __init__(self, folder: Path, choices: bool = False):
        """Raises UserError if a file is no table of items."""
        self._folder, self._choices = folder, choices
        self._files = item_files(folder)

    def file(self, probe: str) -> Path:
        """The file of one set."""
        return self._files[probe]

    def with_choices(self) -> "ItemTables":
        """The same tables with the choices."""
        return ItemTables(self._folder, choices=True)

    def clusters(self, probe: str) -> pd.DataFrame:
        """The columns CLUSTERS of one set; raises as `read_items`."""
        return _read(self._files[probe], (), only=CLUSTERS).to_pandas()

    def __getitem__(self, probe: str) -> pd.DataFrame:
        if self._choices:
            return read_items_with_choices(self._files[probe])
        return read_items(self._files[probe], LEFT_OUT)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def with_scope(table: pa.Table) -> pa.Table:
    """The same with the column SCOPE, which tables of version 3 lack: not known."""
    if SCOPE in table.column_names or "cluster_id" not in table.column_names:
        return table
    return table.append_column(SCOPE, pa.array([""] * len(table)).dictionary_encode())


def _table(node: str, probe: str, items: list[dict[str, Any]]) -> pa.Table:
    same = {"node": node, "probe": probe, "schema_version": ITEMS_VERSION}
    absent = {SCOPE: ""}
    arrays = {
        column: pa.array(
            [same[column]] * len(items)
            if column in same
            else [item.get(column, absent.get(column)) for item in items],
            type=kind,
        )
        for column, kind in COLUMNS.items()
    }
    metrics = sorted({metric for item in items for metric in item["metrics"]})
    for metric in metrics:
        values = [item["metrics"].get(metric) for item in items]
        arrays[VALUE + metric] = pa.array(values, type=pa.float64())
    return pa.table(arrays)


def _require_bounds(table: pa.Table, what: str) -> None:
    for column in ITEMS:
        rule = SCHEMAS["items"]["properties"][column]
        if "minimum" not in rule or "maximum" not in rule:
            continue
        ends = pc.min_max(table[column]).as_py()
        low, high = rule["minimum"], rule["maximum"]
        wrong = [end for end in ends.values() if end is not None and not low <= end <= high]
        if wrong:
            raise UserError(f"{what}: expected {column!r} in {low} to {high}, found {wrong[0]}.")


def _ordered(names: list[str]) -> list[str]:
    """Columns in the order of the schema, those of metrics by name before the schema's version."""
    fixed = [name for name in COLUMNS if name != "schema_version"]
    return [*fixed, *sorted(set(names) - COLUMNS.keys()), "schema_version"]


def _require_columns(path: Path, schema: pa.Schema) -> None:
    for column, kind in COLUMNS.items():
        if column == SCOPE and column not in schema.names:
            continue
        if column not in schema.names:
            raise UserError(f"{path}: the column {column!r} is missing; expected {list(COLUMNS)}")
        found = schema.field(column).type
        found = found.value_type if pa.types.is_dictionary(found) else found
        if found != kind:
            raise UserError(f"{path}: column {column!r}: expected {kind}, found {found}")
    for column in set(schema.names) - COLUMNS.keys():
        if not column.startswith(VALUE) or schema.field(column).type != pa.float64():
            raise UserError(f"{path}: unknown column {column!r}; allowed are {list(COLUMNS)}")


def _probe_of(path: Path) -> str:
    try:
        return pq.read_schema(path).metadata[b"probe"].decode("utf-8")
    except (OSError, pa.ArrowException, KeyError, TypeError):
        raise UserError(f"{path}: is no table of items; remove it or make it again") from None
