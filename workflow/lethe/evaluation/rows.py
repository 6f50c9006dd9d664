"""Rows of local evaluation files as they are written, without a cache on disk."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe.artefacts.files import sha256_file
from lethe.artefacts.jsonlines import numbered_rows
from lethe.artefacts.strict_json import WrittenNumber
from lethe.errors import UserError
from lethe.sources.broken_files import DELIMITERS, refuse_broken
from lethe.sources.reading import read_objects

if TYPE_CHECKING:
    import datasets

BUILDERS = {"json": (".json", ".jsonl"), "csv": (".csv", ".tsv"), "parquet": (".parquet",)}
"""Endings of the files that each `dataset_path` may name."""


class Rows(list):
    """Rows of one split as plain dicts, with what lm-eval and messages need to know of them.

    Attributes:
        features: the columns, as of a data set.
        places: for every row the words that name it in messages.
    """

    def __init__(
        self,
        rows: Iterable[dict],
        places: list[str],
        name: str = "",
        dataset: "datasets.Dataset | None" = None,
    ) -> None:
        super().__init__(rows)
        self.features = dict.fromkeys(key for row in self for key in row)
        self.places = places
        self._name = name
        self._dataset = dataset
        for place, row in enumerate(self):
            if len(row) < len(self.features):
                self[place] = {key: row.get(key) for key in self.features}

    def dataset(self) -> "datasets.Dataset":
        """The rows as a data set, which a task's function `process_docs` expects.

        Raises:
            UserError: a column whose values a data set would change.
        """
        if self._dataset is not None:
            return self._dataset
        import datasets  # slow to import, and not needed to check a study

        for name in self.features:
            _require_kept([row[name] for row in self], name, self.places)
        table = datasets.table.InMemoryTable.from_pylist(list(self))
        # Our own fingerprint: computing that of `datasets` costs more than reading the rows.
        return datasets.Dataset(table, fingerprint=self._name)


def resolve_files(config: dict[str, Any], path: Path) -> dict[str, list[Path]]:
    """The data files of a task's YAML by split; their paths become absolute in `config` too.

    Raises:
        UserError: a file that is missing.
    """
    arguments = config.get("dataset_kwargs") or {}
    named = arguments.get("data_files")
    if isinstance(named, str | list):
        named = {"train": named}  # load_dataset's name for a single split
    if not isinstance(named, dict):
        return {}
    listed = {split: [one] if isinstance(one, str) else one for split, one in named.items()}
    if not all(isinstance(name, str) for names in listed.values() for name in names):
        return {}
    files = {split: [(path.parent / n).resolve() for n in names] for split, names in listed.items()}
    for split, paths in files.items():
        for file in paths:
            if not file.is_file():
                raise UserError(f"{path}: the data file of split {split} is missing: {file}.")
    config["dataset_kwargs"] = {
        **arguments,
        "data_files": {split: [str(file) for file in paths] for split, paths in files.items()},
    }
    return files


def are_read_here(config: dict[str, Any], files: dict[str, list[Path]]) -> bool:
    """Whether a task's rows are read here: files of a known format, and nothing said of them."""
    endings = {file.suffix for paths in files.values() for file in paths}
    path = config.get("dataset_path")
    # lm-eval's json may have any ending.
    known = path == "json" or endings <= set(BUILDERS.get(path, ()))
    return bool(endings) and known and set(config["dataset_kwargs"]) == {"data_files"}


def local_rows(files: list[Path], task: str, most: int | None = None) -> Rows:
    """The rows of a split's files of one format, of each file at most the first `most`.

    Raises:
        UserError: a file that is broken, or holds no rows.
    """
    rows, places = [], []
    for file in files:
        refuse_broken(file, task, rows=0)
        if file.suffix in (".json", ".parquet", *DELIMITERS):
            found = list(islice(read_objects([file], task), most))
            found = typed(found) if file.suffix in DELIMITERS else found
            places += [f"{file}, row {number}" for number in range(1, len(found) + 1)]
            rows += found
            continue
        for number, row in islice(numbered_rows(file, task), most):
            places.append(f"{file}, line {number}")
            rows.append(row)
    if not rows:
        raise UserError(f"{task}: {files[0]} holds no rows.")
    return Rows(rows, places, sha256_file(files[0])[:16])


def typed(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Rows of a table of texts, with numbers, true and false where these are shown as the cells.

    A task may use the number in a column as the index of a choice. Only a column all of whose
    cells (empty ones aside) are of one kind, and would be written in the same way again, changes.
    """
    for name in rows[0] if rows else ():
        cells = {row[name] for row in rows} - {""}
        for kind in (_whole, _decimal, _truth):
            values = {cell: kind(cell) for cell in cells}
            if cells and all(str(value) == cell for cell, value in values.items()):
                for row in rows:
                    row[name] = values.get(row[name], "")
                break
    return rows


def _whole(cell: str) -> int | None:
    return int(cell) if cell.removeprefix("-").isdecimal() and len(cell) < 300 else None


def _decimal(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _truth(cell: str) -> bool | None:
    return {"True": True, "False": False}.get(cell)


def _require_kept(values: list, name: str, places: list[str]) -> None:
    """Refuse values of one column that a data set would change, or cannot hold together."""
    import pyarrow

    try:
        pyarrow.array(values)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
        kinds = "several, as text and numbers, or a number too large for a table"
    else:
        kinds = "whole and decimal numbers"
        if len({isinstance(value, float) for value in values if value is not None}) < 2:
            kinds = ""
    changed = (v for v in values if isinstance(v, WrittenNumber) and str(float(v)) != str(v))
    if not kinds and (number := next(changed, None)) is not None:
        kinds = f"{number}, which a table would show as {float(number)}"
    if kinds:
        file = places[0].rpartition(", ")[0]
        raise UserError(
            f"{file}: expected values of one kind in {name!r}, found {kinds}; write all of them in "
            "one way, or in quotes."
        )
