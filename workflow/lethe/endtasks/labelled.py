"""Labelled texts of an end task: jsonl files whose rows have a `text` and a `label`, both text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lethe.artefacts.jsonlines import read_rows
from lethe.errors import UserError


@dataclass(frozen=True)
class Split:
    """Texts and the index of each one's class in the task's labels."""

    texts: tuple[str, ...]
    classes: tuple[int, ...]


@dataclass(frozen=True)
class LabelledTask:
    """An end task's labels in their order, and its splits by name: train, test, perhaps dev."""

    labels: tuple[str, ...]
    splits: dict[str, Split]


def read_task(files: dict[str, Path], labels: Sequence[str] = ()) -> LabelledTask:
    """Read the splits of an end task.

    Args:
        files: by split; `train` and `test` must be among them.
        labels: all classes; none: those of `train`, in sorted order.

    Raises:
        UserError: a file that is missing or empty, a row without text or label, fewer than two
            classes, or a label that is not one of them.
    """
    rows = {split: _read(path) for split, path in files.items()}
    known = tuple(labels) or tuple(sorted({label for _, label in rows["train"]}))
    if len(set(known)) < 2:
        raise UserError(
            f"{files['train']}: an end task needs at least two classes, found {len(set(known))} "
            f"({', '.join(known)})."
        )
    index = {label: place for place, label in enumerate(known)}
    splits = {}
    for split, found in rows.items():
        for number, (_, label) in enumerate(found, start=1):
            if label not in index:
                raise UserError(
                    f"{files[split]}, row {number}: the label {label!r} is not among the classes "
                    f"of the end task ({', '.join(known)})."
                )
        texts = tuple(text for text, _ in found)
        splits[split] = Split(texts, tuple(index[label] for _, label in found))
    return LabelledTask(known, splits)


def _read(path: Path) -> list[tuple[str, str]]:
    found = []
    for number, row in enumerate(read_rows(path), start=1):
        for key in ("text", "label"):
            if not isinstance(row.get(key), str):
                raise UserError(
                    f"{path}, row {number}: expected a text under {key!r}, found "
                    f"{str(row.get(key))[:40]!r}."
                )
        found.append((row["text"], row["label"]))
    if not found:
        raise UserError(f"{path}: expected labelled texts, found none.")
    return found
