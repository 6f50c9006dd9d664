"""Documents of an evaluation task, held against what lm-eval makes of them before it sees them.

lm-eval counts a gold that names no choice as a wrong answer, prints the word None where a document
has no value, and ends in a traceback at values of other kinds.
"""

import reprlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import UndefinedError

from lethe.errors import UserError, shown
from lethe.evaluation.templates import FIELDS, NoValue, Template, refuse_no_value, texts_used

CHOICE = "multiple_choice"


@dataclass(frozen=True)
class Asked:
    """What lm-eval makes of one document; `choices` is None for a task without any.

    `written` are the texts of the columns that the target's template uses.
    """

    text: Any
    target: Any
    choices: Any
    written: Sequence[str] = ()


def check_documents(
    task: Any,
    docs: Iterable[dict],
    place: Callable[[int], str],
    fields: Any,
    published: bool,
    fetched: bool = False,
    examples: bool = False,
) -> list[str]:
    """Refuse documents that would be scored wrong; return doubts about published ones.

    Args:
        task: of lm-eval; its `features` are the columns of `docs`.
        place: from the index of a document to the words that name it in messages.
        fields: the configuration that has doc_to_text, doc_to_target and doc_to_choice.
        published: whether the documents are a data set of the hub, which is scored as lm-eval
            scores it, even if choices are empty or equal.
        fetched: whether the caller says what to do about a column that is missing.
        examples: whether they are written with their answers into the prompts of others.

    Raises:
        UserError: the first document that cannot be scored, and how many there are.
        KeyError, UndefinedError: a fetched document without a column.
    """
    _require_columns(task, fields)
    wrong, doubts = [], []
    first: Asked | None = None
    for number, doc in enumerate(docs):
        asked = _asked(task, doc, fields, fetched)
        if isinstance(asked, str):
            fault, doubt = asked, None
        else:
            first = first or asked
            fault, doubt = _fault(task, asked, first), _doubt(task, asked)
            if examples:
                fault, doubt = fault or _fault_of_example(asked), doubt or _doubt_of_example(asked)
        if doubt and published:
            doubts.append(f"{place(number)}: {doubt}")
        elif fault or doubt:
            wrong.append(f"{place(number)}: {fault or doubt}")
    if wrong:
        more = f" ({len(wrong) - 1} more documents cannot be scored)" if wrong[1:] else ""
        raise UserError(f"{wrong[0]}{more}.")
    return doubts


def require_examples(name: str, shots: int, found: int, own: bool) -> None:
    """Refuse more examples in a prompt than there are documents.

    Args:
        own: whether they are the scored documents; a question is no example of itself.
    """
    if found < shots + own:
        others = ", the question itself aside" if own else ""
        raise UserError(
            f"{name}: expected {shots} documents or more for as many examples in a prompt "
            f"(`shots`){others}, found {found - own}; ask for fewer."
        )


def _require_columns(task: Any, fields: Any) -> None:
    """Refuse a column's name without such a column: lm-eval takes it for the text itself."""
    for key in FIELDS:
        value = getattr(fields, key)
        value = value.text if isinstance(value, Template) else value
        if isinstance(value, str) and value.isidentifier() and value not in task.features:
            raise UserError(
                f"{task.config.task}: `{key}` expected the column {value!r}, found "
                f"{', '.join(task.features)}; for a text that is the same in every document, write "
                f"{{{{ {value!r} }}}}."
            )


def _asked(task: Any, doc: dict, fields: Any, fetched: bool) -> Asked | str:
    """What lm-eval makes of a document, or why it makes nothing of it."""
    made = {key: getattr(fields, key) for key in FIELDS}
    try:
        for value in made.values():
            if isinstance(value, str):
                refuse_no_value(value, doc, task.features)
        text, target, choices = (
            None if value is None else getattr(task, key)(doc, value) for key, value in made.items()
        )
    except Exception as error:  # a function or template of a task may raise anything
        if fetched and isinstance(error, KeyError | UndefinedError):
            raise
        return _failure(error)
    written = texts_used(made["doc_to_target"], doc)
    return Asked("" if text is None else text, "" if target is None else target, choices, written)


def _failure(error: Exception) -> str:
    if isinstance(error, NoValue):
        return str(error)
    if isinstance(error, KeyError):
        return f"expected the column {error.args[0]!r}, found none"
    return f"its prompt or answer cannot be made ({type(error).__name__}: {error})"


def _fault(task: Any, asked: Asked, first: Asked) -> str | None:
    """Why lm-eval cannot score a document, or None."""
    if task.OUTPUT_TYPE == CHOICE:
        return _fault_of_choice(task, asked, first)
    if task.OUTPUT_TYPE != "loglikelihood_rolling" and not isinstance(asked.text, str):
        return f"expected a prompt that is text, found {shown(asked.text)}"
    if task.OUTPUT_TYPE == "generate_until":
        own_process = callable(task.config.process_results)
        return None if own_process else _fault_of_reference(asked, first)
    if not isinstance(asked.target, str):
        return f"expected a target that is text, found {shown(asked.target)}"
    return None if asked.target else "expected a text to score, found an empty one"


def _fault_of_reference(asked: Asked, first: Asked) -> str | None:
    target = asked.target
    if asked.choices is not None:
        return _fault_of_gold(target, asked.choices)
    if isinstance(target, list) != isinstance(first.target, list):
        return f"expected a list of right answers in every document or in none: {shown(target)}"
    for answer in target if isinstance(target, list) else [target]:
        if not isinstance(answer, str | int | float) or isinstance(answer, bool):
            return f"expected a right answer that is text, found {shown(answer)}"
    return "expected right answers, found an empty list" if target == [] else None


def _fault_of_choice(task: Any, asked: Asked, first: Asked) -> str | None:
    choices = asked.choices
    if not isinstance(choices, list) or not choices:
        return f"expected a list of choices, found {shown(choices)}"
    for choice in choices:
        if not isinstance(choice, str):
            return (
                f"expected choices that are texts, found {shown(choice)}; put it in quotes, or "
                "write `| string` behind a csv's column in `doc_to_choice`"
            )
    # A task may have its choices in the contexts; then its prompt is the index of the right one.
    has_contexts = type(first.text) is int and isinstance(first.target, str)
    if has_contexts != (type(asked.text) is int) or not isinstance(asked.text, str | int):
        return (
            f"expected a prompt that is text, found {shown(asked.text)}: lm-eval takes a prompt of "
            "digits alone for the index of a choice; add words to it, or name its column without "
            "braces"
        )
    if has_contexts:
        return _fault_of_gold(asked.text, choices)
    if isinstance(asked.target, list) != isinstance(first.target, list):
        return f"expected a list of golds in every document or in none, found {shown(asked.target)}"
    if callable(task.config.process_results) and isinstance(asked.target, str):
        return None  # the task's own function knows what it means
    return _fault_of_gold(asked.target, choices)


def _fault_of_gold(gold: Any, choices: list) -> str | None:
    if isinstance(gold, list):
        return next(filter(None, (_fault_of_gold(one, choices) for one in gold)), None) or (
            None if gold else "expected a gold, found an empty list"
        )
    if isinstance(gold, str):
        if gold in choices:
            return None
        return f"expected a gold that is one of the choices or its index, found {shown(gold)}"
    if not isinstance(gold, int):
        return f"expected a whole number as gold, found {shown(gold)}"
    if 0 <= gold < len(choices):
        return None
    hidden = " (is this a test set whose golds are not published?)" if gold < 0 else ""
    return f"expected a gold from 0 to {len(choices) - 1}, found {shown(gold)}{hidden}"


def _fault_of_example(asked: Asked) -> str | None:
    """Why lm-eval cannot write a document with its answer into a prompt, or None."""
    answer = _answer_of_example(asked)
    if isinstance(answer, str):
        return None
    return f"expected an answer that is one text, as an example needs, found {shown(asked.target)}"


def _doubt_of_example(asked: Asked) -> str | None:
    if _answer_of_example(asked) == "":
        return "expected an answer, as an example needs, found an empty one"
    return None


def _answer_of_example(asked: Asked) -> Any:
    target, choices = asked.target, asked.choices
    if isinstance(target, int) and isinstance(choices, list) and 0 <= target < len(choices):
        return choices[target]
    return target[0] if isinstance(target, list) and target else target


def _doubt(task: Any, asked: Asked) -> str | None:
    """What makes a score doubtful, though lm-eval can compute it."""
    if task.OUTPUT_TYPE == CHOICE and isinstance(asked.choices, list):
        return _doubt_of_choices(asked.choices) or _doubt_of_gold(asked)
    if task.OUTPUT_TYPE == "generate_until" and isinstance(asked.target, list):
        lists = [text for text in asked.written if text[:1] == "[" and text[-1:] == "]"]
        if lists and not callable(task.config.process_results):
            return (
                f"its answer {shown(lists[0])} is text, which a template reads as a list of right "
                "answers; name its column without braces"
            )
    return None


def _doubt_of_gold(asked: Asked) -> str | None:
    """A text of digits may be a choice, or count the choices; lm-eval counts if it can."""
    gold, choices = str(asked.target), asked.choices
    if type(asked.target) is not int or gold not in asked.written or gold not in choices:
        return None
    if choices.index(gold) == asked.target:
        return None
    return (
        f"its gold {gold!r} is the text of one choice and would count as the index of another; "
        "name its column without braces if it is the text, or write it without quotes if it is "
        "the index"
    )


def _doubt_of_choices(choices: list) -> str | None:
    if len(choices) == 1:
        return "expected two choices or more, found one, which is always right"
    if "" in choices:
        return f"expected choices that are not empty, found {shown(choices)}"
    repeated = [choice for choice in choices if choices.count(choice) > 1]
    if repeated:
        return f"expected different choices, found {reprlib.repr(repeated[0])} twice"
    return None
