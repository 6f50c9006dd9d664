"""Tables of items of a study's parts, joined set by set."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lethe.errors import UserError
from lethe.longtables.items import COLUMNS, ItemsWriter, ItemTables, with_scope


def join_items(parts: Mapping[str, ItemTables], writer: ItemsWriter) -> None:
    """Add the items of all parts to a writer, one set at a time in memory.

    Raises:
        UserError: a checkpoint's items are in two parts with two values.
    """
    for probe in sorted({probe for items in parts.values() for probe in items}):
        found: dict[str, tuple[str, pa.Table]] = {}
        for part, items in parts.items():
            for node, rows in _by_node(items.file(probe)) if probe in items else ():
                other, known = found.setdefault(node, (part, rows))
                if not _equal(known, rows):
                    raise UserError(
                        f"the items of {probe} on {node} are not alike in {other} and {part}; give "
                        "each part seeds of its own, or both the same results."
                    )
        for node in sorted(found):
            writer.add_rows(probe, found[node][1])


def _by_node(path: Path) -> list[tuple[str, pa.Table]]:
    """(Checkpoint, its rows) of a table of items, in which the rows of one stand together."""
    table = with_scope(pq.read_table(path, use_threads=False))
    # As when they were written, for readers describe columns in ways of their own.
    kinds = [(name, COLUMNS.get(name, pa.float64())) for name in table.column_names]
    table = table.cast(pa.schema(kinds))
    nodes = table["node"].to_pylist()
    starts = [row for row, node in enumerate(nodes) if row == 0 or nodes[row - 1] != node]
    ends = [*starts[1:], len(nodes)]
    return [
        (nodes[first], table.slice(first, end - first))
        for first, end in zip(starts, ends, strict=True)
    ]


def _equal(one: pa.Table, other: pa.Table) -> bool:
    return one.select(sorted(one.column_names)).equals(other.select(sorted(other.column_names)))
