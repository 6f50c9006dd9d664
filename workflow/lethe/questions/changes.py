"""Two checkpoints' answers to the same items, side by side, the worst losses first."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.longtables.questions import Question

LOST, REGAINED, KEPT, NEVER = "lost", "regained", "kept", "never known"
WORSE, BETTER, EQUAL, UNKNOWN = "worse", "better", "equal", "not scored"
KINDS = (LOST, WORSE, REGAINED, BETTER, NEVER, EQUAL, KEPT, UNKNOWN)
"""What became of an item, in the order in which a reader wants to see them.

The four of `worse`, `better`, `equal` and `not scored` are of items whose value is not 0 or 1.
"""
MEASURED = ["correct", "margin", "gold_logprob"]
ANSWERED = [*MEASURED, "predicted"]


@dataclass(frozen=True)
class Answer:
    """What one checkpoint made of an item; None where there is no such value.

    Attributes:
        text: the likeliest choice, or the generated text; empty if texts are not kept.
        choice: the place of the likeliest choice; None without choices.
        correct: 0 or 1, or the item's value of its metric.
        margin, gold_logprob: in nats, as in a table of items.
    """

    text: str
    choice: int | None
    correct: float | None
    margin: float | None
    gold_logprob: float | None


def mark(correct: float | None, graded: bool) -> str:
    """Whether an answer is right; the number of a graded one, which is neither right nor wrong."""
    if correct is None:
        return ""
    return f"{correct:.2f}" if graded else {1.0: "✓", 0.0: "✗"}.get(correct, f"{correct:.2f}")


@dataclass(frozen=True)
class Change:
    """An item before and after. `question` is None if its texts are not kept; kind: of KINDS."""

    item_id: str
    kind: str
    question: Question | None
    before: Answer
    after: Answer


def is_graded(items: pd.DataFrame) -> bool:
    """Whether items have values between 0 and 1, as of generated texts, not right or wrong."""
    values = items["correct"].to_numpy(dtype=float)
    return not np.isin(values[~np.isnan(values)], (0, 1)).all()


def paired(before: pd.DataFrame, after: pd.DataFrame, graded: bool | None = None) -> pd.DataFrame:
    """The items that both have, the worst losses first.

    Index `item_id`; columns `kind`, `drop`, and ANSWERED with the endings `_before` and `_after`.
    `drop` is how much the margin fell; without margins the gold log-probability, else the value.

    Args:
        before, after: a row an item with the columns item_id and ANSWERED.
        graded: `is_graded` of all checkpoints of the set; None: of these two.

    Raises:
        UserError: an item occurs twice.
    """
    for items in (before, after):
        if (twice := items["item_id"].duplicated()).any():
            raise UserError(f"items: {items['item_id'][twice].iloc[0]} occurs twice.")
    both = before[["item_id", *ANSWERED]].merge(
        after[["item_id", *ANSWERED]], on="item_id", suffixes=("_before", "_after")
    )
    for column in MEASURED:
        for end in ("_before", "_after"):
            both[column + end] = both[column + end].astype(float)
    if graded is None:
        graded = is_graded(before) or is_graded(after)
    values = both[["correct_before", "correct_after"]].to_numpy()
    both["kind"] = _kinds(values[:, 0], values[:, 1], graded)
    both["drop"] = np.nan
    for column in ("margin", "gold_logprob", "correct"):
        both["drop"] = both["drop"].fillna(both[f"{column}_before"] - both[f"{column}_after"])
    rank = both["kind"].map({kind: place for place, kind in enumerate(KINDS)})
    # Gains are the larger the further the margin rose.
    worst = both["drop"].where(~both["kind"].isin((REGAINED, BETTER)), -both["drop"])
    keys = pd.DataFrame({"rank": rank, "worst": -worst.fillna(-np.inf), "id": both["item_id"]})
    return both.loc[keys.sort_values(["rank", "worst", "id"]).index].set_index("item_id")


def _kinds(before: np.ndarray, after: np.ndarray, graded: bool) -> np.ndarray:
    """What became of each item, from its values before and after; both (items,)."""
    names = (WORSE, BETTER, EQUAL, EQUAL) if graded else (LOST, REGAINED, KEPT, NEVER)
    same = before == after
    return np.select([before > after, before < after, same & (after > 0), same], names, UNKNOWN)


def changes(rows: pd.DataFrame, texts: Mapping[str, Question]) -> Iterator[Change]:
    """The rows of `paired` with their texts, as far as these are kept."""
    for row in rows.reset_index().to_dict("records"):
        question = texts.get(row["item_id"])
        before, after = (
            answer_of({name: row[name + end] for name in ANSWERED}, question)
            for end in ("_before", "_after")
        )
        yield Change(row["item_id"], row["kind"], question, before, after)


def answer_of(row: Mapping[str, Any] | pd.Series, question: Question | None) -> Answer:
    """The answer in a row with the columns ANSWERED; a choice with its text."""
    correct, margin, logprob = (
        None if row[column] is None or np.isnan(row[column]) else float(row[column])
        for column in MEASURED
    )
    predicted = str(row["predicted"])
    # A set of choices has margins; a generated text, or a class of a cloze, may be a number too.
    has_choices = bool(question.choices) if question else margin is not None
    is_choice = predicted.isdecimal() and has_choices
    choice = int(predicted) if is_choice else None
    text = predicted
    if choice is not None:
        known = question.choices if question else ()
        text = known[choice] if choice < len(known) else ""
    return Answer(text, choice, correct, margin, logprob)


def changed_items(
    before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]]
) -> list[Change]:
    """Every item of two results of one set, the worst losses first.

    Args:
        before, after: `items` of results of `evaluate`; those of `before` may have their texts
            (`evaluation.questions.with_questions`, or an import's).
    """
    first = list(before)
    texts = {item["item_id"]: Question.of(item) for item in first if "question" in item}
    columns = ["item_id", *ANSWERED]
    frames = [pd.DataFrame(list(items), columns=columns) for items in (first, after)]
    return list(changes(paired(*frames), texts))
