"""Datasets that are also given as two text files whose lines belong together."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from lethe.errors import UserError
from lethe.sources.loaders.registry import Loader
from lethe.sources.reading import read_paired_lines


class PairedText(Loader):
    """A loader whose local files may be SPLIT.src and SPLIT.dst, one sentence a line."""

    line_columns: ClassVar[tuple[str, str]]

    def raw_rows(self, split: str, parts: dict[str, list[Path]]) -> Iterator[dict]:
        if not parts.keys() & {"src", "dst"}:
            return super().raw_rows(split, parts)
        if parts.keys() != {"src", "dst"}:
            raise UserError(
                f"{self.where}.files: expected {split}.src and {split}.dst together, "
                f"found {', '.join(f'{split}.{part}' for part in sorted(parts))}."
            )
        (first,), (second,) = parts["src"], parts["dst"]
        return read_paired_lines(first, second, self.line_columns, self.where)
