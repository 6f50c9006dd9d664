"""Labelled texts of an end task: jsonl files with a `text` and a `label` per row, both strings.

A row may have an `id` and a `cluster`: what it shares with the rows that depend on it, such as the
stem of the word that it asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.artefacts.jsonlines import read_rows
from lethe.artefacts.strict_json import canonical
from lethe.errors import UserError, shown


@dataclass(frozen=True)
class Split:
    """Texts, and for each the index of its class in the task's labels.

    file: where they stand, in the same order. names: of each text its cluster, else its id; None
    if it has neither. in_clusters: whether any row of the file names a cluster.
    """

    texts: tuple[str, ...]
    classes: tuple[int, ...]
    file: Path
    names: tuple[str | None, ...]
    in_clusters: bool = False


@dataclass(frozen=True)
class LabelledTask:
    """An end task's labels in order, and its splits by name: train, test, optionally dev."""

    labels: tuple[str, ...]
    splits: dict[str, Split]


@dataclass(frozen=True)
class _Row:
    text: str
    label: str
    id: str | None
    cluster: str | None


def read_task(files: dict[str, Path], labels: Sequence[str] = ()) -> LabelledTask:
    """Read the splits of an end task of one fold; as `read_folds`."""
    return read_folds([files], labels)[0]


def read_folds(folds: Sequence[dict[str, Path]], labels: Sequence[str] = ()) -> list[LabelledTask]:
    """Read the splits of every fold of an end task; all have the same labels.

    Args:
        folds: of each the files by split; `train` and `test` must be among them.
        labels: all classes; if empty, the labels of the training files in sorted order.

    Raises:
        UserError: a missing or empty file, a row without text or label, fewer than two classes, an
            unknown label, a cluster that is trained on and tested in one fold (or, if there are
            several folds, an id), or test files that all name the same cluster.
    """
    read = [{split: _read(path) for split, path in files.items()} for files in folds]
    found = {row.label for rows in read for row in rows["train"]}
    classes = tuple(labels) or tuple(sorted(found))
    if len(set(classes)) < 2:
        raise UserError(
            f"{folds[0]['train']}: an end task needs at least two classes, found "
            f"{len(set(classes))} ({', '.join(classes)})."
        )
    tasks = [
        LabelledTask(
            classes, {split: _split(files[split], rows[split], classes) for split in files}
        )
        for files, rows in zip(folds, read, strict=True)
    ]
    for task in tasks:
        _require_apart(task, len(tasks) > 1)
    _require_two_clusters([task.splits["test"] for task in tasks])
    return tasks


def cluster_names(splits: Sequence[Split]) -> list[str]:
    """Of every text of the folds' splits its cluster, else its id, else its place."""
    return [
        name or f"fold {fold}, row {number}"
        for fold, split in enumerate(splits, start=1)
        for number, name in enumerate(split.names, start=1)
    ]


def _split(file: Path, rows: list[_Row], classes: tuple[str, ...]) -> Split:
    index = {label: place for place, label in enumerate(classes)}
    for number, row in enumerate(rows, start=1):
        if row.label not in index:
            raise UserError(
                f"{file}, row {number}: the label {row.label!r} is not among the classes "
                f"of the end task ({', '.join(classes)})."
            )
    return Split(
        tuple(row.text for row in rows),
        tuple(index[row.label] for row in rows),
        file,
        tuple(row.cluster or row.id for row in rows),
        any(row.cluster for row in rows),
    )


def _require_apart(task: LabelledTask, has_folds: bool) -> None:
    """Refuse a cluster whose labels are trained on in the fold that scores it.

    The ids of one pair of files may be their numbers; those of folds name texts in several files.
    """
    train = task.splits["train"]
    trained = set(train.names) - {None}
    for split in sorted(task.splits.keys() - {"train"}):
        scored = task.splits[split]
        if not (has_folds or (train.in_clusters and scored.in_clusters)):
            continue
        for number, name in enumerate(scored.names, start=1):
            if name in trained:
                word = "cluster" if train.in_clusters else "id"
                raise UserError(
                    f"{scored.file}, row {number}: the {word} {shown(name)} is in {train.file} "
                    "too, so it would be scored on what it was trained on; keep it in one of them."
                )


def _require_two_clusters(tested: list[Split]) -> None:
    """Refuse test files that name clusters, but a single one: no interval could be drawn."""
    names = {name for split in tested for name in split.names}
    if len(names) < 2 and all(split.in_clusters for split in tested):
        raise UserError(
            f"{tested[0].file}: expected test texts of two clusters or more, found "
            f"{shown(next(iter(names)))} alone."
        )


def _read(path: Path) -> list[_Row]:
    rows = []
    for number, row in enumerate(read_rows(path), start=1):
        for key in ("text", "label"):
            if not isinstance(row.get(key), str):
                raise UserError(
                    f"{path}, row {number}: expected a text under {key!r}, found "
                    f"{str(row.get(key))[:40]!r}."
                )
        cluster, name = row.get("cluster"), row.get("id")
        if cluster is not None and not (isinstance(cluster, str) and cluster):
            raise UserError(
                f"{path}, row {number}: expected the name of a cluster under 'cluster', or no such "
                f"key, found {shown(cluster)}."
            )
        # The keys of an object have no order.
        named = canonical(name) if isinstance(name, list | dict) else name
        named = None if named is None else str(named)
        rows.append(_Row(row["text"], row["label"], named, cluster))
    if not rows:
        raise UserError(f"{path}: expected labelled texts, found none.")
    return rows
