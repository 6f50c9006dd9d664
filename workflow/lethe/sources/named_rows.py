"""Rows of a raw table under the loader's names of its columns, every value checked."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from lethe.errors import UserError
from lethe.sources.loaders.registry import (
    Loader,
    checked_value,
    choose_layout,
    with_optional,
)


def named_rows(
    loader: Loader,
    split: str,
    parts: dict[str, list[Path]],
    renamed: dict[str, str],
    most: int | None = None,
) -> Iterator[dict]:
    """The rows of a split's files, in order.

    Args:
        split: the raw split, and `parts` its files by part.
        renamed: raw columns with other names than the loader's.
        most: how many rows are read; None: all.

    Raises:
        UserError: missing columns, or a value that is no text where the loader expects one.
    """
    names = ", ".join(str(file) for files in parts.values() for file in files)
    layout: dict[str, str] | None = None
    for number, row in enumerate(islice(loader.raw_rows(split, parts), most), start=1):
        if layout is None:
            layout = choose_layout(loader.layouts, renamed, list(row), loader.where)
            layout = with_optional(layout, loader, renamed, list(row))
        place = f"{loader.where}: {names}, row {number}"
        if absent := [column for column in layout.values() if column not in row]:
            raise UserError(
                f"{place}: expected the column {absent[0]!r} as in row 1, found {', '.join(row)}."
            )
        yield {
            name: checked_value(row[column], loader.forms.get(name), f"{place}, column {column!r}")
            for name, column in layout.items()
        }
