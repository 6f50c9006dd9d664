"""The texts of a set's items: question, choices and right answers, one line of JSON an item.

Tables of items hold ids, which are digests of the documents. Texts are kept once for a set, not for
every checkpoint, and an id finds them.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.artefacts.files import atomic_path
from lethe.artefacts.jsonlines import iterate_rows
from lethe.errors import UserError
from lethe.longtables.axes import CLOZE
from lethe.longtables.file_names import file_stem

ENDING = ".jsonl"
FIELDS = {"item_id": str, "question": str, "choices": list, "gold": list, "answers": list}


@dataclass(frozen=True)
class Question:
    """What one item asks.

    Attributes:
        item_id: as in the table of items of its set.
        text: the question alone, without examples before it.
        choices: the answers to choose from; empty if there are none.
        gold: places of the right ones among `choices`.
        answers: the right answers as texts, where there are no choices.
    """

    item_id: str
    text: str
    choices: tuple[str, ...] = ()
    gold: tuple[int, ...] = ()
    answers: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Question":
        """From a mapping that has the fields of `row`, and perhaps others."""
        lists = (tuple(row[name]) for name in ("choices", "gold", "answers"))
        return cls(row["item_id"], row["question"], *lists)

    def row(self) -> dict[str, Any]:
        """The fields of its line of JSON."""
        return {
            "item_id": self.item_id,
            "question": self.text,
            "choices": list(self.choices),
            "gold": list(self.gold),
            "answers": list(self.answers),
        }


def file_of(folder: Path, probe: str) -> Path:
    """The file of a set's texts."""
    return folder / f"{file_stem(probe)}{ENDING}"


def write_questions(path: Path, questions: Iterable[Question]) -> int:
    """Write a set's texts, the first of each id, one after the other; how many there are.

    Nothing but ids is held in memory.
    """
    seen: set[str] = set()
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        for question in questions:
            if question.item_id not in seen:
                seen.add(question.item_id)
                # In ASCII, so that no text breaks a line or turns the order of what follows.
                file.write(json.dumps(question.row(), ensure_ascii=True) + "\n")
    return len(seen)


def read_questions(path: Path, wanted: Collection[str] | None = None) -> Iterator[Question]:
    """The texts of a set, one by one; only those of the ids `wanted`, if it is given.

    Raises:
        UserError: the file is missing, or a line is not as `write_questions` writes it.
    """
    for number, row in enumerate(iterate_rows(path), start=1):
        if set(row) != set(FIELDS) or any(
            not isinstance(row[name], kind) for name, kind in FIELDS.items()
        ):
            raise UserError(
                f"{path}, line {number}: expected the fields {', '.join(FIELDS)} of an item's "
                "texts; remove the file and run the study again."
            )
        if wanted is None or row["item_id"] in wanted:
            yield Question.of(row)


def has_questions(task: Mapping[str, Any]) -> bool:
    """Whether a set of a probe's spec asks something; texts whose loss is measured do not."""
    return not task.get("texts") or task["metric"] == CLOZE


def question_nodes(specs: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(kind, id) of the nodes that hold the documents of these probes' questions, each once."""
    tasks = [task for spec in specs for task in spec["tasks"] if has_questions(task)]
    return sorted({(task["data_kind"], task["data"]) for task in tasks if task.get("data")})
