"""Labelled texts of an end task: jsonl files with a `text` and a `label` per row, both strings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.artefacts.jsonlines import read_rows
from lethe.errors import UserError


@dataclass(frozen=True)
class Split:
    """Texts, and for each the index of its class in the task's labels."""

    texts: tuple[str, ...]
    classes: tuple[int, ...]


@dataclass(frozen=True)
class LabelledTask:
    """An end task's labels in order, and its splits by name: train, test, optionally dev."""

    labels: tuple[str, ...]
    splits: dict[str, Split]


def read_task(files: dict[str, Path], labels: Sequence[str] = ()) -> LabelledTask:
    """Read the splits of an end task.

    Args:
        files: by split; `train` and `test` must be among them.
        labels: all classes; if empty, the labels of `train` in sorted order.

    Raises:
        UserError: a missing or empty file, a row without text or label, fewer than two classes, or
            an unknown label.
    """
    rows = {split: _read(path) for split, path in files.items()}
    classes = tuple(labels) or tuple(sorted({label for _, label in rows["train"]}))
    if len(set(classes)) < 2:
        raise UserError(
            f"{files['train']}: an end task needs at least two classes, found {len(set(classes))} "
            f"({', '.join(classes)})."
        )
    index = {label: place for place, label in enumerate(classes)}
    splits = {}
    for split, pairs in rows.items():
        for number, (_, label) in enumerate(pairs, start=1):
            if label not in index:
                raise UserError(
                    f"{files[split]}, row {number}: the label {label!r} is not among the classes "
                    f"of the end task ({', '.join(classes)})."
                )
        texts = tuple(text for text, _ in pairs)
        splits[split] = Split(texts, tuple(index[label] for _, label in pairs))
    return LabelledTask(classes, splits)


def _read(path: Path) -> list[tuple[str, str]]:
    pairs = []
    for number, row in enumerate(read_rows(path), start=1):
        for key in ("text", "label"):
            if not isinstance(row.get(key), str):
                raise UserError(
                    f"{path}, row {number}: expected a text under {key!r}, found "
                    f"{str(row.get(key))[:40]!r}."
                )
        pairs.append((row["text"], row["label"]))
    if not pairs:
        raise UserError(f"{path}: expected labelled texts, found none.")
    return pairs
