"""A fetched hub dataset: its splits by configuration, read without a cache on disk."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import datasets
import jinja2
import pyarrow
import yaml

from lethe.artefacts.files import read_object, sha256_file
from lethe.artefacts.paths import MANIFEST
from lethe.errors import UserError
from lethe.evaluation.rows import Rows, local_rows
from lethe.sources.broken_files import refuse_broken

BATCH_ROWS = 1000
BUILDERS = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json"}
"""What of `datasets` would read a file. A tsv is left to its rules, which know the separator."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_split(folder: Path, subset: str | None, split: str, task: str) -> Rows:
    """The rows of one split, in memory; texts of json and csv as they are written.

    Args:
        folder: the repository's files; its README lists the files of each configuration.
        subset: the configuration; None for the only one.
        task: name of the evaluation task, for messages.

    Raises:
        UserError: no such configuration or split, an empty split, files that cannot be read.
    """
    files = configured_files(folder, subset) or _undescribed_files(folder, subset, task)
    if files is not None and split in files and Path(files[split][0]).suffix != ".parquet":
        return local_rows([Path(file) for file in files[split]], task)
    stream = _stream(folder, subset, task)
    if split not in stream:
        raise UserError(
            f"{task}: expected the split {split} in {folder}, found {', '.join(stream)}."
        )
    batches = list(stream[split].with_format("arrow").iter(batch_size=BATCH_ROWS))
    if not batches:
        raise UserError(f"{task}: the split {split} in {folder} is empty.")
    table = datasets.table.InMemoryTable(pyarrow.concat_tables(batches).combine_chunks())
    # A fingerprint of our own: datasets would make one from the table's bytes.
    dataset = datasets.Dataset(table, fingerprint=f"{task}-{split}"[:64])
    rows = list(dataset)
    places = [f"{task}: row {n} of the split {split} in {folder}" for n in range(1, len(rows) + 1)]
    return Rows(rows, places, dataset=dataset)


def _undescribed_files(folder: Path, subset: str | None, task: str) -> dict[str, list[str]] | None:
    """Files by split as `datasets` finds them; None if the repository says what columns hold."""
    with _unreadable_as_sentence(folder, subset, task):
        builder = datasets.load_dataset_builder(str(folder), name=subset)
    files = {str(split): sorted(paths) for split, paths in builder.config.data_files.items()}
    suffixes = {Path(file).suffix for paths in files.values() for file in paths}
    return files if builder.info.features is None and suffixes <= BUILDERS.keys() else None


@contextmanager
def renamed_columns_as_sentences(folder: Path, subset: str | None, task: str) -> Iterator[None]:
    """Turns the error for a column that the dataset lacks into a UserError."""
    try:
        yield
    except (KeyError, jinja2.UndefinedError) as error:
        splits = _stream(folder, subset, task)
        found = list(next(iter(next(iter(splits.values()))), {}))
        missing = str(error.args[0]) if error.args else str(error)
        if missing in found:
            raise
        missing = missing.removesuffix(" is undefined").strip("'")
        raise UserError(
            f"{task}: expected the column {missing!r} in {folder}, found {', '.join(found)}; the "
            "dataset has changed: pin a `revision` that has the column, or name another `repo`."
        ) from None


def _stream(folder: Path, subset: str | None, task: str) -> dict[str, datasets.IterableDataset]:
    """Every split of a configuration, as a stream."""
    files = configured_files(folder, subset)
    with _unreadable_as_sentence(folder, subset, task):
        if files is None:
            return datasets.load_dataset(str(folder), name=subset, streaming=True)
        for path in sorted({Path(file) for paths in files.values() for file in paths}):
            refuse_broken(path, task)
        kinds = {BUILDERS[Path(file).suffix] for paths in files.values() for file in paths}
        return datasets.load_dataset(kinds.pop(), data_files=files, streaming=True)


@contextmanager
def _unreadable_as_sentence(folder: Path, subset: str | None, task: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        message = str(error).split("\n")[0]
        raise UserError(
            f"{task}: the dataset in {folder} cannot be read as {subset or 'its only'} "
            f"configuration: {message}."
        ) from None


def configured_files(folder: Path, subset: str | None) -> dict[str, list[str]] | None:
    """Files by split of a configuration, from the list in the README's header.

    None if the header does not list them; `datasets` then applies its own rules. It would read the
    header again for every configuration, which is slow if there are many.
    """
    listed = _configurations(folder, (folder / "README.md").is_file())
    if subset is None:
        names = [name for name in ("default", *listed) if name in listed]
        subset = names[0] if len(listed) == 1 or "default" in listed else None
    patterns = listed.get(subset)
    if patterns is None:
        return None
    by_split = {
        split: sorted(str(file) for glob in globs for file in folder.glob(glob))
        for split, globs in patterns.items()
    }
    suffixes = {Path(file).suffix for files in by_split.values() for file in files}
    if len(suffixes) != 1 or not suffixes <= BUILDERS.keys() or not all(by_split.values()):
        return None
    return by_split


@lru_cache(maxsize=16)
def _configurations(folder: Path, has_readme: bool) -> dict[str, dict[str, list[str]]]:
    """Glob patterns by split of every configuration that lists them."""
    text = (folder / "README.md").read_text(encoding="utf-8") if has_readme else ""
    if not text.startswith("---\n"):
        return {}
    heading = yaml.load(text[4:].partition("\n---")[0], Loader=_LOADER)
    listed = {}
    for entry in (heading or {}).get("configs") or []:
        files = entry.get("data_files")
        if isinstance(files, list) and all(isinstance(f, dict) and "split" in f for f in files):
            paths = {str(file["split"]): file["path"] for file in files}
            listed[entry["config_name"]] = {
                split: [path] if isinstance(path, str) else path for split, path in paths.items()
            }
    return listed


def content_of(folder: Path) -> dict[str, str]:
    """sha256 of every file of the repository: as recorded when it was fetched, else computed."""
    manifest = folder.parent / MANIFEST["fetched"]
    if manifest.is_file():
        prefix = f"{folder.name}/"
        entries = read_object(manifest)["files"]
        return {name.removeprefix(prefix): entries[name]["sha256"] for name in sorted(entries)}
    hashes = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        # What begins with a dot is what tools keep there for themselves.
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            about = file.stat()
            hashes[str(name)] = _sha256_at(file, about.st_size, about.st_mtime_ns)
    return hashes


@lru_cache(maxsize=4096)
def _sha256_at(file: Path, _size: int, _changed: int) -> str:
    """The tasks of a group share their files, which may be large."""
    return sha256_file(file)
