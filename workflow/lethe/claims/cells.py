"""One comparison of a claim: its subject, and its effect in every unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lethe.metrics.subjects import BASES, Seeds, Subject, replicates


@dataclass(frozen=True)
class Question:
    """One part of a claim, as in its catalogue entry; effects are in the metric's unit.

    direction: "above" or "below" zero. is_tested: false if no verdict is given. element: the set
    that represents an axis; empty for the axis' mean. methods: those that a contrast of methods
    compares, the first minus the second. gain: what a method must have learned to be compared, own
    less base in the metric's unit; None for the rule of end tasks. half_width: that of the 95 %
    interval with which there are units enough; None if none is declared. recipe: of the chains that
    are compared; empty: any.
    """

    claim: str
    part: str
    contrast: str
    metric: str
    axes: tuple[str, ...]
    unit: str
    smallest_effect: float
    direction: str = "above"
    family: str = ""
    is_tested: bool = True
    element: str = ""
    methods: tuple[str, ...] = ()
    gain: float | None = None
    half_width: float | None = None
    recipe: str = ""

    @property
    def sign(self) -> int:
        return 1 if self.direction == "above" else -1


@dataclass(frozen=True)
class Cell:
    """effects: by unit, with their measured sign. missing: why there are no effects.

    bound: why the effects get no verdict (a method at floor or ceiling); empty if they get one.
    units: number of units if a single effect summarises them; 0 if there is an effect per unit.
    """

    about: str
    axis: str
    effects: dict[tuple, float] = field(default_factory=dict)
    over: str = BASES
    missing: str = ""
    note: str = ""
    units: int = 0
    bound: str = ""


def cell(about: str, axis: str, by_seeds: Mapping[Seeds, float], asked: Question, note="") -> Cell:
    """A cell from effects by seeds, averaged per unit of replication."""
    over, effects = replicates(by_seeds, asked.unit)
    return Cell(about, axis, effects, over, note=note)


def difference(
    one: Subject, other: Subject, axis: str, asked: Question, about: str = "", note: str = ""
) -> Cell:
    """The metric of `one` minus that of `other`, paired by seeds."""
    about = about or f"{one.model} - {other.model}"
    for subject in (one, other):
        if absence := absent(subject, axis, asked):
            return Cell(about, axis, missing=absence)
    left = one.values(asked.metric, axis, asked.element)
    right = other.values(asked.metric, axis, asked.element)
    paired = {seeds: left[seeds] - right[seeds] for seeds in left if seeds in right}
    if not paired:
        return Cell(about, axis, missing=f"{one.model} and {other.model} share no seeds")
    notes = [note, at_floor(one, axis), at_floor(other, axis)]
    lost = len(set(left) | set(right)) - len(paired)
    notes += [f"{lost} runs have no partner with their seeds"] if lost else []
    return cell(about, axis, paired, asked, "; ".join(text for text in notes if text))


def absent(subject: Subject, axis: str, asked: Question) -> str:
    """Why the subject has no value of the metric on the axis; empty if it has one."""
    if subject.values(asked.metric, axis, asked.element):
        return ""
    if excluded := at_floor(subject, axis):
        return excluded
    what = f"{asked.metric} of {axis}{asked.element and ' ' + asked.element}"
    why = subject.gaps.get((asked.metric, axis, asked.element), "")
    return f"no {what} for {subject.model}" + (f" ({why})" if why else "")


def at_floor(subject: Subject, axis: str) -> str:
    """Which bases are left out because they are at floor on the axis; empty if there are none."""
    excluded = {seeds[:2] for seeds in subject.floor.get(axis, ())}
    if not excluded:
        return ""
    named = ", ".join(sorted(shown_base(subject.model, *base) for base in excluded))
    return f"at floor, left out: {named}"


def shown_base(model: str, world_seed: int | None, base_seed: int | None) -> str:
    """`s (world 100, base 0)`; a fetched model has no seeds."""
    words = [("world", world_seed), ("base", base_seed)]
    seeds = ", ".join(f"{word} {seed}" for word, seed in words if seed is not None)
    return f"{model} ({seeds})" if seeds else model
