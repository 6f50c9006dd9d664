"""The texts of a set's items, taken from its documents: nothing is scored, no model is loaded."""

from lethe.jobs import offline  # noqa: F401  isort: skip (before its readers)

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice, tee
from typing import Any

from lethe.evaluation.fetched_dataset import renamed_columns_as_sentences
from lethe.evaluation.groups import names_in_group
from lethe.evaluation.lookup import members
from lethe.evaluation.outcomes import gold_indices, item_ids
from lethe.evaluation.specification import EvalTask
from lethe.evaluation.tasks import build, find
from lethe.longtables.questions import Question

CHOICE, TEXTS = "multiple_choice", "loglikelihood_rolling"


def questions(task: EvalTask) -> Iterator[Question]:
    """The texts of every item of a task or group, in the order and with the ids of its results.

    Raises:
        UserError: no such task, or its documents are not on this machine or cannot be read.
    """
    leaves = members(task)
    if [leaf.name for leaf in leaves] == [task.name]:
        yield from _of_task(task)
        return
    named, again = tee((leaf.name, asked) for leaf in leaves for asked in _of_task(leaf))
    names = names_in_group((leaf, asked.item_id) for leaf, asked in named)
    for (_, asked), name in zip(again, names, strict=True):
        yield replace(asked, item_id=name)


def with_questions(task: EvalTask, result: dict[str, Any]) -> dict[str, Any]:
    """A result of `score_checkpoint` whose items have their texts too (`Question.row`)."""
    texts = {asked.item_id: asked.row() for asked in questions(task)}
    return {**result, "items": [{**item, **texts[item["item_id"]]} for item in result["items"]]}


def _of_task(task: EvalTask) -> Iterator[Question]:
    source = find(replace(task, shots=0))
    # A column that a fetched dataset lacks is a sentence, as when it is scored.
    subset = source.config.get("dataset_name")
    with (
        renamed_columns_as_sentences(source.folder, subset, task.name)
        if source.folder is not None
        else nullcontext()
    ):
        lm_task = build(source)
        docs, again = tee(islice(lm_task.eval_docs, task.limit))
        for doc, identity in zip(docs, item_ids(again, task.cluster), strict=True):
            yield _question(lm_task, doc, identity)


def _question(lm_task: Any, doc: dict, identity: str) -> Question:
    if lm_task.OUTPUT_TYPE != CHOICE:
        text = "" if lm_task.OUTPUT_TYPE == TEXTS else str(lm_task.doc_to_text(doc))
        return Question(identity, text, answers=_answers(lm_task, doc))
    choices = lm_task.doc_to_choice(doc)
    gold = tuple(gold_indices(lm_task, doc, choices))
    # Where the choices are contexts, the target follows each of them.
    text = lm_task.doc_to_target(doc) if lm_task.multiple_input else lm_task.doc_to_text(doc)
    return Question(identity, str(text), tuple(map(str, choices)), gold)


def _answers(lm_task: Any, doc: dict) -> tuple[str, ...]:
    """The right answers of a question without choices."""
    target = lm_task.doc_to_target(doc)
    targets = target if isinstance(target, list) else [target]
    if lm_task.config.doc_to_choice is not None:
        choices = lm_task.doc_to_choice(doc)
        targets = [choices[one] if isinstance(one, int) else one for one in targets]
    return tuple(str(one) for one in targets if one is not None)
