"""The texts of a cloze set for a reader: the text with its mask, the classes and their words."""

from collections.abc import Iterator
from itertools import islice, tee
from pathlib import Path
from typing import Any

from lethe.artefacts.jsonlines import numbered_rows
from lethe.errors import UserError, shown
from lethe.evaluation.outcomes import item_ids
from lethe.longtables.questions import Question

CLUSTER = "cluster"
"""The column of a row that is no content of its item."""


def cloze_questions(path: Path, limit: int | None) -> Iterator[Question]:
    """A question for every row that `cloze.score_cloze` scores, with the same ids.

    The text is followed by a line for each class; the right answer is a class' name, as the
    answers of checkpoints are.

    Raises:
        UserError: the file is missing, or a row has no text, label or classes.
    """
    rows, again = tee(islice(numbered_rows(path), limit))
    for (line, row), identity in zip(rows, item_ids((r for _, r in again), CLUSTER), strict=True):
        yield Question(identity, _text(row, f"{path}, line {line}"), answers=(str(row["label"]),))


def _text(row: dict[str, Any], place: str) -> str:
    classes = row.get("classes")
    if not (isinstance(row.get("text"), str) and row.get("label") and isinstance(classes, dict)):
        raise UserError(
            f"{place}: expected a row of a cloze set with `text`, `label` and `classes`, found "
            f"{shown(row)}."
        )
    listed = (f"{name}: {', '.join(map(str, words))}" for name, words in classes.items())
    return "\n".join([row["text"], *listed])
