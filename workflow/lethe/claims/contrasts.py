"""What claims compare: each contrast turns a question and the study's subjects into cells.

The functions serve both a study and the published numbers, and omit nothing silently: what cannot
be compared becomes a cell that states what is missing.
"""

import math
import re
from collections.abc import Callable, Iterable

from lethe.claims.cells import Cell, Question, absent, at_floor, cell, difference
from lethe.metrics.pairs import (
    architecture_pairs,
    mixing_pairs,
    ratio,
    series,
    shown_extras,
    tuning_pairs,
)
from lethe.metrics.subjects import Seeds, Subject, reference

Contrast = Callable[[list[Subject], Question], list[Cell]]
CONTRASTS: dict[str, Contrast] = {}
FAR_IN_SIZE = 2.0


def contrast(function: Contrast) -> Contrast:
    """Register a contrast under the function's name."""
    CONTRASTS[function.__name__] = function
    return function


def meaning(name: str) -> str:
    """What a contrast compares: the first line of its docstring, without the claims that use it."""
    line = (CONTRASTS[name].__doc__ or "").partition("\n")[0]
    words = re.sub(r" \([CK][-CK0-9, ]*\)", "", line).rstrip(".")
    return words[:1].lower() + words[1:]


@contrast
def above_zero(subjects: list[Subject], asked: Question) -> list[Cell]:
    """The metric itself, of every model on every axis (C1, C8)."""
    cells = []
    for axis in asked.axes:
        for subject in reference(subjects):
            absence = absent(subject, axis, asked)
            values = subject.values(asked.metric, axis, asked.element)
            note = at_floor(subject, axis)
            cells.append(
                Cell(subject.model, axis, missing=absence)
                if absence
                else cell(subject.model, axis, values, asked, note)
            )
    return cells or _nothing(asked, "no model")


@contrast
def axis_ordering(subjects: list[Subject], asked: Question) -> list[Cell]:
    """Each axis minus the next one in the claimed order, within every model (C2)."""
    cells = []
    for high, low in zip(asked.axes, asked.axes[1:], strict=False):
        for subject in reference(subjects):
            about, axis = subject.model, f"{high} - {low}"
            absence = absent(subject, high, asked) or absent(subject, low, asked)
            if absence:
                cells.append(Cell(about, axis, missing=absence))
                continue
            left, right = subject.values(asked.metric, high), subject.values(asked.metric, low)
            paired = {seeds: left[seeds] - right[seeds] for seeds in left if seeds in right}
            notes = [at_floor(subject, name) for name in (high, low)]
            cells.append(
                cell(about, axis, paired, asked, "; ".join(filter(None, notes)))
                if paired
                else Cell(about, axis, missing=f"no base of {about} is above floor on both")
            )
    return cells or _nothing(asked, "no model")


@contrast
def grows_with_size(subjects: list[Subject], asked: Question) -> list[Cell]:
    """Each model minus the next smaller one of its series (C3)."""
    steps = [pair for sizes in series(subjects, 2) for pair in zip(sizes, sizes[1:], strict=False)]
    return [
        difference(large, small, axis, asked) for axis in asked.axes for small, large in steps
    ] or _nothing(asked, "no series with two sizes")


@contrast
def turns_with_size(subjects: list[Subject], asked: Question) -> list[Cell]:
    """The smaller of the largest rise and the largest fall between sizes of a series (C8).

    Positive only if the metric both rises and falls, so that it is not monotone in the size.
    """

    def turn(values: list[float]) -> float:
        steps = [after - before for before, after in zip(values, values[1:], strict=False)]
        return min(max(steps), -min(steps))

    return _over_sizes(subjects, asked, turn, 3)


@contrast
def range_narrows(subjects: list[Subject], asked: Question) -> list[Cell]:
    """Range over the sizes of a series: that of base scores minus that of final scores (C4)."""
    cells = []
    for axis in asked.axes:
        for sizes in series(subjects, 2):
            about = _shown_series(sizes)
            ends = [[model.values(name, axis) for model in sizes] for name in (BASE, FINAL)]
            seeds = _common([*ends[0], *ends[1]])
            if not seeds:
                cells.append(Cell(about, axis, missing=_why_not(sizes, axis)))
                continue
            effects = {key: _range(ends[0], key) - _range(ends[1], key) for key in seeds}
            cells.append(cell(about, axis, effects, asked, _floors(sizes, axis)))
    return cells or _nothing(asked, "no series with two sizes")


@contrast
def causal_below_seq2seq(subjects: list[Subject], asked: Question) -> list[Cell]:
    """The decoder nearest in size to each encoder-decoder, minus that encoder-decoder (C5)."""
    pairs = architecture_pairs(subjects)
    return [
        difference(one, other, axis, asked, note=_sizes_apart(one, other))
        for axis in asked.axes
        for one, other in pairs
    ] or _nothing(asked, "no decoder beside an encoder-decoder")


@contrast
def tuned_below_untuned(subjects: list[Subject], asked: Question) -> list[Cell]:
    """Each instruction-tuned model minus the same model before tuning (C6)."""
    pairs = tuning_pairs(subjects)
    return [
        difference(one, other, axis, asked) for axis in asked.axes for one, other in pairs
    ] or _nothing(asked, "no model beside its instruction-tuned variant")


@contrast
def mixing_raises_final(subjects: list[Subject], asked: Question) -> list[Cell]:
    """A chain with more mixed into its stages, minus the same chain without (C7)."""
    pairs = mixing_pairs(subjects)
    return [
        difference(one, other, axis, asked, f"{one.model} {shown_extras(one)}")
        for axis in asked.axes
        for one, other in pairs
    ] or _nothing(asked, "no chain with more mixed in beside the same chain without")


@contrast
def new_tasks_rise(subjects: list[Subject], asked: Question) -> list[Cell]:
    """The metric itself, of every model on every own task (C9)."""
    cells = []
    for axis in asked.axes:
        for subject in reference(subjects):
            for element in subject.elements(asked.metric, axis):
                values = subject.values(asked.metric, axis, element)
                cells.append(cell(f"{subject.model} {element}", axis, values, asked))
    return cells or _nothing(asked, "no own task scored before and after its stage")


@contrast
def spread_over_orders(subjects: list[Subject], asked: Question) -> list[Cell]:
    """Range of the metric over the orders of the same tasks, for every model (C10)."""
    groups: dict[tuple, list[Subject]] = {}
    for subject in subjects:
        if subject.method == reference_method(subjects) and not subject.is_mixed:
            groups.setdefault((subject.model, frozenset(subject.tasks)), []).append(subject)
    cells = []
    for axis in asked.axes:
        for (model, _), orders in groups.items():
            values = [subject.values(asked.metric, axis) for subject in orders]
            seeds = _common(values)
            if len(orders) > 1 and seeds:
                effects = {key: _range(values, key) for key in seeds}
                note = f"{len(orders)} orders: {', '.join(subject.order for subject in orders)}"
                cells.append(cell(model, axis, effects, asked, note))
    return cells or _nothing(asked, "no two orders of the same tasks")


@contrast
def spread_over_seeds(subjects: list[Subject], asked: Question) -> list[Cell]:
    """Standard deviation of the metric over units: how far off a single run may be (C10)."""
    cells = []
    for axis in asked.axes:
        for subject in reference(subjects):
            by_unit = cell(subject.model, axis, subject.values(asked.metric, axis), asked)
            if len(by_unit.effects) < 2:
                continue
            values = list(by_unit.effects.values())
            mean = sum(values) / len(values)
            spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
            note, units = "standard deviation over them", len(values)
            cells.append(
                Cell(subject.model, axis, {(): spread}, by_unit.over, note=note, units=units)
            )
    return cells or _nothing(asked, "no model with two seeds")


BASE, FINAL = "base_score", "final_score"


def reference_method(subjects: Iterable[Subject]) -> str:
    """The method of the subjects that claims about models use."""
    return next((subject.method for subject in reference(subjects)), "")


def _over_sizes(
    subjects: list[Subject], asked: Question, summary: Callable[[list[float]], float], sizes: int
) -> list[Cell]:
    cells = []
    for axis in asked.axes:
        for models in series(subjects, sizes):
            about = _shown_series(models)
            values = [model.values(asked.metric, axis) for model in models]
            seeds = _common(values)
            if not seeds:
                cells.append(Cell(about, axis, missing=_why_not(models, axis)))
                continue
            effects = {key: summary([by_seeds[key] for by_seeds in values]) for key in seeds}
            cells.append(cell(about, axis, effects, asked, _floors(models, axis)))
    words = {2: "two", 3: "three"}[sizes]
    return cells or _nothing(asked, f"no series with {words} sizes")


def _nothing(asked: Question, why: str) -> list[Cell]:
    return [Cell("", ", ".join(asked.axes), missing=why)]


def _common(values: list[dict[Seeds, float]]) -> list[Seeds]:
    return [key for key in values[0] if all(key in other for other in values)]


def _range(values: list[dict[Seeds, float]], key: Seeds) -> float:
    return max(by_seeds[key] for by_seeds in values) - min(by_seeds[key] for by_seeds in values)


def _sizes_apart(one: Subject, other: Subject) -> str:
    times = math.exp(ratio(one, other))
    return f"sizes differ {times:.1f} times" if times > FAR_IN_SIZE else ""


def _shown_series(models: list[Subject]) -> str:
    return ", ".join(model.model for model in models)


def _floors(models: list[Subject], axis: str) -> str:
    return "; ".join(text for model in models if (text := at_floor(model, axis)))


def _why_not(models: list[Subject], axis: str) -> str:
    return _floors(models, axis) or f"no base with {axis} for all of {_shown_series(models)}"
