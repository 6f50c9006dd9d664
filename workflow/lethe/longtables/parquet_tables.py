"""Long tables as Parquet, a tenth of the size of CSV; they read as the same rows."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lethe.artefacts.disk_errors import disk_reason
from lethe.artefacts.files import atomic_path
from lethe.errors import UserError
from lethe.longtables.rows import SCHEMAS
from lethe.longtables.schema import parse_table, table_text

ENDING = ".parquet"
NAMES = tuple(name for name in SCHEMAS if name != "items")
"""The long tables of a study but its items, which are Parquet anyway."""
TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}
# Read once and written once: the smallest file counts.
ZSTD_LEVEL = 19


def write_parquet(name: str, path: Path, frame: pd.DataFrame) -> None:
    """Write a long table; same rows, same bytes. `frame` is as `read_table` gives it."""
    rules = SCHEMAS[name]["properties"]
    schema = pa.schema([(column, TYPES[_kind(rule)]) for column, rule in rules.items()])
    table = pa.Table.from_pandas(frame[list(rules)], schema=schema, preserve_index=False)
    with atomic_path(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(),
            temporary,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            write_statistics=False,
        )


class ParquetTable(NamedTuple):
    """A table kept as Parquet: the text of its CSV file, what `read_table` makes of that text, and
    whether it was of an older schema."""

    text: str
    frame: pd.DataFrame
    is_older: bool


def parquet_table(name: str, path: Path) -> ParquetTable:
    """A table kept as Parquet.

    Raises:
        UserError: it is missing, damaged, breaks its schema, or is of another version of it that
            cannot be read as this one.
    """
    try:
        table = pq.read_table(path, use_threads=False)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {disk_reason(error)}") from None
    except pa.ArrowException as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path}: cannot be read as Parquet ({reason})") from None
    # Whole numbers stay whole in a column that has empty fields.
    frame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    upgraded = _upgraded(name, frame, path)
    text = table_text(name, upgraded, str(path))
    return ParquetTable(text, parse_table(name, text, str(path)), upgraded is not frame)


def _upgraded(name: str, frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table in this version of its schema, if all that is new are columns that may be empty.

    A column with a default has that, as it is what earlier studies did.

    Raises:
        UserError: something else is new.
    """
    rules = SCHEMAS[name]["properties"]
    version = rules["schema_version"]["const"]
    found = set(frame["schema_version"]) if "schema_version" in frame else set()
    new = [column for column in rules if column not in frame]
    # A table without rows tells its version by its columns alone.
    if found == {version} or not (found or new):
        return frame
    filled = {column: _empty(rules[column]) for column in new if "default" not in rules[column]}
    if not new or max(found, default=0) > version or "no" in filled.values():
        raise UserError(
            f"{path}: expected version {version} of the table's schema, found "
            f"{', '.join(str(other) for other in sorted(found))}, which cannot be read as it; "
            "use the version of Lethe that kept it, or make the study again."
        )
    if filled:
        print(f"{path}: is of an older schema; what is new is empty: {', '.join(filled)}.")
    values = {column: None if value == "null" else "" for column, value in filled.items()}
    values |= {name: rules[name]["default"] for name in new if name not in filled}
    return frame.assign(**values, schema_version=version)


def _empty(rule: dict[str, Any]) -> str:
    """How a column can be empty: `null`, as an empty `text`, or `no`."""
    if "null" in rule["type"]:
        return "null"
    return "text" if rule["type"] == "string" and "minLength" not in rule else "no"


def _kind(rule: dict[str, Any]) -> str:
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    return next(kind for kind in kinds if kind != "null")
