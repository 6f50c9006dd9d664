"""What claims about methods compare: numbers of continual methods, from end-task scores.

Claims about models use plain training (`contrasts`); these name the methods that they compare. One
order represents the paper's main one: the sequence of several stages that most models and methods
were taught; of equally common ones the first.
"""

from collections import Counter
from dataclasses import replace

from lethe.claims.bounds import at_bound
from lethe.claims.cells import Cell, Question, absent, cell, difference
from lethe.claims.contrasts import contrast
from lethe.metrics.shown import PLAIN
from lethe.metrics.subjects import Subject

POOL = "pool"
WORDS = {POOL: f"`{PLAIN}` on an order with all domains in one stage"}


@contrast
def method_value(subjects: list[Subject], asked: Question) -> list[Cell]:
    """The metric itself of one method, of every model on the main order (K2)."""
    (method,) = asked.methods
    cells = []
    for axis in asked.axes:
        for model, by_method in _by_model(subjects, asked.methods).items():
            subject = by_method.get(method)
            about = _about(method, model, subjects)
            absence = _absence(subject, method, axis, asked)
            if subject is None or absence:
                cells.append(Cell(about, axis, missing=absence))
                continue
            note = _twins([subject], subjects)
            found = cell(about, axis, subject.values(asked.metric, axis), asked, note)
            cells.append(replace(found, bound=at_bound([(subject, method)], asked, axis)))
    return cells or _nothing(asked)


@contrast
def method_difference(subjects: list[Subject], asked: Question) -> list[Cell]:
    """The metric of one method minus that of another, paired by seeds, for every model (K1-K4)."""
    first, second = asked.methods
    cells = []
    for axis in asked.axes:
        for model, by_method in _by_model(subjects, asked.methods).items():
            about = _about(f"{first} - {second}", model, subjects)
            one, other = by_method.get(first), by_method.get(second)
            note = _twins([one, other], subjects)
            cells.append(_less(one, other, asked, axis, about, (first, second), note))
    return cells or _nothing(asked)


@contrast
def method_less_pool(subjects: list[Subject], asked: Question) -> list[Cell]:
    """The metric of a method on the main order minus that of plain training on the pool (K5).

    A second method, if one is named, trains the pool: plain training at another rate.
    """
    method, *others = asked.methods
    pooled = others[0] if others else PLAIN
    pool = f"{pooled} on the pool" if others else POOL
    cells = []
    for axis in asked.axes:
        for model, by_method in _by_model(subjects, (method,)).items():
            one = by_method.get(method)
            other = _pool(subjects, model, pooled)
            about = _about(f"{method} - {pool}", model, subjects)
            note = _twins([one, other], subjects)
            cells.append(_less(one, other, asked, axis, about, (method, pool), note))
    return cells or _nothing(asked)


def main_tasks(subjects: list[Subject]) -> tuple[str, ...]:
    """The first tasks of the stages of the main order; empty if no order has two stages."""
    counts = Counter(
        subject.tasks for subject in subjects if len(subject.tasks) > 1 and not subject.is_mixed
    )
    return counts.most_common(1)[0][0] if counts else ()


def _by_model(subjects: list[Subject], methods: tuple[str, ...]) -> dict[str, dict[str, Subject]]:
    """Subjects on the main order by model and method, for models with at least one method."""
    tasks = main_tasks(subjects)
    by_model: dict[str, dict[str, Subject]] = {}
    for subject in subjects:
        if tasks and subject.tasks == tasks and not subject.is_mixed and subject.method in methods:
            by_model.setdefault(subject.model, {}).setdefault(subject.method, subject)
    return by_model


def _pool(subjects: list[Subject], model: str, method: str) -> Subject | None:
    """The model trained by the method on one stage that mixes the domains of the main order."""
    domains = set(main_tasks(subjects))
    for subject in subjects:
        if (subject.model, subject.method, len(subject.tasks)) == (model, method, 1):
            parts = [part.partition(":")[0] for part in subject.extras[0].split("&")]
            if subject.is_mixed and {subject.tasks[0], *parts} == domains:
                return subject
    return None


def _less(
    one: Subject | None,
    other: Subject | None,
    asked: Question,
    axis: str,
    about: str,
    named: tuple[str, str],
    note: str,
) -> Cell:
    for subject, name in zip((one, other), named, strict=True):
        if absence := _absence(subject, name, axis, asked):
            return Cell(about, axis, missing=absence)
    assert one is not None and other is not None
    compared = [(one, named[0]), (other, named[1])]
    found = difference(one, other, axis, asked, about, note)
    return replace(found, bound=at_bound(compared, asked, axis))


def _twins(compared: list[Subject | None], subjects: list[Subject]) -> str:
    """Which of the compared have every number of another method: one training of two names."""
    told = [
        f"{one.method} and {other.method} are equal in every number, so one training"
        for one in compared
        for other in subjects
        if one is not None
        and one.numbers
        and one.method != other.method
        and (one.model, one.order) == (other.model, other.order)
        and one.numbers == other.numbers
    ]
    return "; ".join(told)


def _absence(subject: Subject | None, name: str, axis: str, asked: Question) -> str:
    """Why the subject of that name has no value; empty if it has one."""
    if subject is None:
        return f"the study has no {WORDS.get(name, name)}"
    return absent(subject, axis, asked)


def _about(what: str, model: str, subjects: list[Subject]) -> str:
    """The comparison, with the model if the study has several."""
    return f"{model}: {what}" if len({subject.model for subject in subjects}) > 1 else what


def _nothing(asked: Question) -> list[Cell]:
    methods = " and no ".join(asked.methods)
    axes = ", ".join(asked.axes)
    return [Cell("", axes, missing=f"the study has no {methods} on an order of several stages")]
