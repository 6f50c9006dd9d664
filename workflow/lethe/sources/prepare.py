"""Prepare a source: train.jsonl, dev.jsonl, test.jsonl and the task that tests what was learned.

Files from the hub and local files give the same prepared data.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe.artefacts.files import atomic_path, write_atomic
from lethe.errors import UserError
from lethe.sources.loaders.known import LOADERS, Loader
from lethe.sources.loaders.registry import choose_layout, with_optional
from lethe.sources.own_task import own_task_yaml
from lethe.sources.prepared import (
    Counts,
    Split,
    examples,
    left_out,
    no_examples,
    prepared_rows,
    rows_written,
)
from lethe.sources.prompt_sets import wrapper
from lethe.sources.reading import RawFiles, fetched_files, local_files
from lethe.sources.ruled_splits import require_splits, ruled_splits

LARGE = 2**20  # bytes of a file that is read as a whole, from which reading it takes time
FILE_OF = {"train": "train.jsonl", "validation": "dev.jsonl", "test": "test.jsonl"}


def prepare(spec: dict[str, Any], directory: Path, fetched: Path | None) -> dict[str, Any]:
    """Write the prepared data of a source into `directory`; return the entries of its manifest.

    Args:
        spec: spec of the data node: name, loader, all of its parameters, subset, and local files.
        fetched: folder with the files of the hub's repository; None for local files.

    Raises:
        UserError: wrong columns or files; no half-written file is left behind.
    """
    where = f"sources.{spec['name']}"
    loader = LOADERS[spec["loader"]](where, spec["parameters"])
    if fetched is None:
        raw = local_files(spec["files"], where)
    else:
        raw = fetched_files(fetched, spec["subset"], loader.values["splits"], where)
    if loader.ruled:
        return _prepare_ruled(loader, raw, directory)
    splits = plan_splits(loader, loader.regrouped(raw))
    counts = {split.name: Counts() for split in splits}
    files = []
    for split in splits:
        files.append(FILE_OF[split.name])
        _write(directory / files[-1], prepared_rows(loader, split, counts[split.name]))
    if "test" in counts and "text" not in counts["test"].written:
        files.append(f"eval/own_{spec['name']}.yaml")
        yaml = own_task_yaml(loader, spec["name"], "validation" in counts)
        write_atomic(directory / files[-1], yaml)
    return {"rows": _report(splits, counts), "prepared": sorted(files)}


def check_beginning(spec: dict[str, Any], rows: int) -> dict[str, int]:
    """Refuse local files whose first `rows` rows could not be prepared, or that give no example.

    Files that are only read as a whole, and that are large, are left to `prepare`.

    Args:
        spec: as of `prepare`.

    Returns:
        How many rows a prepared file will have, for those made of fewer than `rows` rows.

    Raises:
        UserError: a split that is missing or has no examples, a column, or a value that is no text.
    """
    where = f"sources.{spec['name']}"
    loader = LOADERS[spec["loader"]](where, spec["parameters"])
    raw = local_files(spec["files"], where)
    if loader.ruled:
        require_splits(loader, raw)
    splits = [] if loader.ruled else plan_splits(loader, loader.regrouped(raw))
    whole = {}
    for name in raw:
        if (split := _raw_split(loader, raw, name)) is None:
            continue
        counts = Counts()
        counts.kept = sum(1 for _ in examples(loader, split, counts, rows))
        if counts.read < rows:
            if not counts.kept:
                raise no_examples(where, split, counts)
            whole[name] = counts
    written = {}
    for split in splits:
        # What a loader divides by itself, it may divide by rows that are no examples.
        if split.raw in whole and split.parts == raw[split.raw]:
            counts = whole[split.raw]
            sets = len(loader.prompt_sets(split.name))
            written[FILE_OF[split.name]] = rows_written(split, sets, counts.kept)
            if not written[FILE_OF[split.name]]:
                raise no_examples(where, split, counts)
    return written


def first_texts(spec: dict[str, Any], rows: int) -> list[str]:
    """The prompts, responses and texts of the first rows that are trained on.

    None of a file that is only read as a whole and is large, and none without a train split. Args
    and errors as of `check_beginning`.
    """
    named = ("prompt", "response", "text")
    found = _first_examples(spec, "train", rows, Counts())
    return [row[name] for row in found for name in named if isinstance(row.get(name), str)]


def first_kept(spec: dict[str, Any], split: str, rows: int) -> Counts:
    """Of a split's first rows: how many are examples, and how many are none; as `first_texts`."""
    counts = Counts()
    counts.kept = sum(1 for _ in _first_examples(spec, split, rows, counts))
    return counts


def unused_columns(spec: dict[str, Any], name: str) -> tuple[list[str], list[str]]:
    """The columns of a split's first row that are read, and those that are not; as `first_texts`.

    Both are empty where nothing can be read before a job.
    """
    loader = LOADERS[spec["loader"]](f"sources.{spec['name']}", spec["parameters"])
    split = _raw_split(loader, local_files(spec["files"], loader.where), name)
    if split is None or loader.ruled:
        return [], []
    row = next(loader.raw_rows(split.raw, split.parts), {})
    if not row:
        return [], []
    columns = list(row)
    layout = choose_layout(loader.layouts, split.columns, columns, loader.where)
    used = [*with_optional(layout, loader, split.columns, columns).values()]
    return used, [column for column in columns if column not in used]


def _first_examples(spec: dict[str, Any], name: str, rows: int, counts: Counts) -> Iterator[dict]:
    loader = LOADERS[spec["loader"]](f"sources.{spec['name']}", spec["parameters"])
    split = _raw_split(loader, local_files(spec["files"], loader.where), name)
    return examples(loader, split, counts, rows) if split and not loader.ruled else iter(())


def _raw_split(loader: Loader, raw: RawFiles, name: str) -> Split | None:
    """A split of files as they are; None if there is none, or none whose beginning can be read."""
    parts = raw.get(name, {})
    files = [file for part in parts.values() for file in part]
    is_rendered = parts.keys() & loader.prompt_sets(name).keys()
    if not files or is_rendered or any(_is_large(file) for file in files):
        return None
    return Split(name, name, parts, columns=loader.values["columns"])


def _is_large(file: Path) -> bool:
    return file.suffix in (".json", ".zip") and file.stat().st_size > LARGE


def _prepare_ruled(loader: Loader, raw: RawFiles, directory: Path) -> dict[str, Any]:
    rows, facts = ruled_splits(loader, raw)
    for name in rows:
        _write(directory / FILE_OF[name], rows[name])
    return {"rows": facts, "prepared": sorted(FILE_OF[name] for name in rows)}


def plan_splits(loader: Loader, raw: RawFiles) -> list[Split]:
    """The prepared splits, and where each comes from.

    A source without a train split is one that is only asked.

    Raises:
        UserError: the source lacks a split that the loader needs.
    """
    values = loader.values
    shared = {
        "seed": values["subset_seed"],
        # A loader of texts has no prompts to wrap.
        "wrapper": wrapper(values.get("wrapper", "none")),
        "columns": values["columns"],
    }
    held = {split: n for split, n in values["hold_out"].items() if n and split not in raw}
    end: int | None = None
    splits = []
    for split in ("test", "validation", "train"):
        count = values["count" if split == "train" else "test_count"]
        if split in raw:
            # A train split ends where the examples held out of it begin.
            stop = end if split == "train" else None
            splits.append(Split(split, split, raw[split], None, stop, count, **shared))
        elif split in held and "train" in raw:
            start = (end or 0) - held[split]
            splits.append(Split(split, "train", raw["train"], start, end, count, **shared))
            end = start
        elif split in held and "test" in raw:
            raise UserError(
                f"{loader.where}.parameters.hold_out.{split}: expected the split train, whose "
                f"examples it takes, found {', '.join(raw)}; give its file, or the split's own."
            )
        elif split in loader.needed and not (split == "train" and "test" in raw):
            raise UserError(
                f"{loader.where}: the split {split} is missing (found {', '.join(raw)}); give its "
                f"file, or hold out examples of train for it with "
                f"{loader.where}.parameters.hold_out."
            )
    return splits[::-1]


def _write(path: Path, rows) -> None:
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def _report(splits: list[Split], counts: dict[str, Counts]) -> dict[str, Any]:
    return {
        split.name: {
            "files": sorted(file.name for files in split.parts.values() for file in files),
            "read": counts[split.name].read,
            "kept": counts[split.name].kept,
            "dropped": dict(counts[split.name].dropped),
            "left_out": left_out(counts[split.name]),
            "written": dict(counts[split.name].written),
        }
        for split in splits
    }
