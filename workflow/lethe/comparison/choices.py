"""What a user chose of a comparison, and the sets and metrics that follow from it."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lethe.comparison.abilities import Known, known
from lethe.comparison.both import row_of
from lethe.comparison.scored import Scores, require_alike
from lethe.comparison.sets import POINTS, SetChange, set_change
from lethe.errors import UserError, shown
from lethe.imported.scale import mixed_scales
from lethe.longtables.same_versions import DECLARABLE

ALL_POINTS = 100
"""The points of a share of 1."""


@dataclass(frozen=True)
class Choices:
    """Parsed options.

    Attributes:
        margin: points. margins: by metric.
        metrics: by task; "" for all tasks.
        abilities: by task or start of a task's name.
        tasks: to compare; empty for all that there are.
        harmless: settings that may differ.
        usual: what a study says of its own sets.
    """

    margin: float
    margins: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    abilities: dict[str, str] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    harmless: list[str] = field(default_factory=list)
    usual: dict[str, Known] = field(default_factory=dict)

    @classmethod
    def read(cls, arguments: argparse.Namespace) -> "Choices":
        """From the command line.

        Raises:
            UserError: a margin is no number above 0, or an option has another form.
        """
        metrics = [_metric_of(each) for each in arguments.metric]
        abilities = [
            (task, name)
            for name, tasks in (_pair("--ability", each) for each in arguments.ability)
            for task in tasks.split(",")
        ]
        margins = [_pair("--margin-of", each) for each in arguments.margin_of]
        harmless = [name for entry in arguments.harmless for name in entry.split(",") if name]
        for name in harmless:
            if name not in (*DECLARABLE, "split") and "." not in name:
                raise UserError(
                    f"--harmless: `{name}` changes a score; what may be named is "
                    f"{', '.join(DECLARABLE)}, model_args.NAME or task.NAME."
                )
        return cls(
            margin=_below_all("--margin", _margin("--margin", arguments.margin)),
            margins={
                name: _margin("--margin-of", text) for name, text in _once("--margin-of", margins)
            },
            metrics=dict(_once("--metric", metrics)),
            abilities=dict(_once("--ability", abilities)),
            tasks=[n for entry in arguments.tasks or () for n in entry.split(",") if n],
            harmless=harmless,
        )


@dataclass(frozen=True)
class After:
    """The sets that one AFTER shares with BEFORE, and sentences on those that only one has."""

    label: str
    changes: list[SetChange]
    missing: list[str]


def pairs(scores: Sequence[Scores], choices: Choices) -> list[After]:
    """Every AFTER with BEFORE, which is the first.

    Raises:
        UserError: nothing to compare, or a set that was not scored alike.
    """
    before, *afters = scores
    names = _sets(scores, choices)
    for name in names:
        require_alike(name, scores, choices.harmless)
    metrics = {name: _metric(name, scores, choices) for name in names}
    # Read once for all AFTERs: samples may be large.
    first = {
        name: before.result(name, metric)
        for name, metric in metrics.items()
        if metric in before.metrics(name)
    }
    _require_tasks(choices, metrics, scores)
    found = [_after(before, first, after, metrics, choices) for after in afters]
    for one, after in zip(found, afters, strict=True):
        if not one.changes:
            raise UserError(
                f"{before.target.given} and {after.target.given} have no evaluation set in common: "
                f"{_why_none(before, after, one.missing)}."
            )
    _require_margins(choices, [change for one in found for change in one.changes])
    return found


def _why_none(before: Scores, after: Scores, missing: list[str]) -> str:
    """Why two have nothing to compare: a value that is no number, other metrics, or other sets."""
    if any(each.broken(name) for each in (before, after) for name in each.sets()):
        return "; ".join(missing)
    for name in before.sets():
        if of_both := [each.metrics(name) for each in (before, after) if each.metrics(name)][1:]:
            first, second = _some(before.metrics(name)), _some(of_both[0])
            return f"of {name} the former has the metric {first}, the latter {second}"
    return f"{_some(before.sets())} against {_some(after.sets())}"


def _require_tasks(choices: Choices, metrics: dict[str, str], scores: Sequence[Scores]) -> None:
    """Refuse an option that names no set or metric: it would change nothing, unseen.

    metrics: of the sets that are compared.
    """
    for task in choices.metrics:
        if task and task not in metrics:
            raise UserError(
                f"--metric: {task!r} is no set compared; those are {_some([*metrics])}."
            )
    common = choices.metrics.get("")
    found = {metric for name in metrics for each in scores for metric in each.metrics(name)}
    if common is not None and common not in found:
        raise UserError(f"--metric: no set has {common!r}; they have {_some(sorted(found))}.")
    for start in choices.abilities:
        if not any(name == start or name.startswith(f"{start}_") for name in metrics):
            raise UserError(
                f"--ability: {start!r} is none of the sets compared, nor the start of one's name: "
                f"{_some([*metrics])}."
            )


def _require_margins(choices: Choices, changes: Sequence[SetChange]) -> None:
    """Refuse a margin of a metric that no set is compared by, and one that no share can lose."""
    units = {change.metric: change.unit for change in changes}
    for metric, margin in choices.margins.items():
        if metric not in units:
            raise UserError(
                f"--margin-of: no set is compared by {metric!r}; they are by {_some([*units])}."
            )
        if units[metric] == POINTS:
            _below_all("--margin-of", margin)


def _after(
    before: Scores,
    first: dict[str, dict[str, Any]],
    after: Scores,
    metrics: dict[str, str],
    choices: Choices,
) -> After:
    """first: the results of `before` by set."""
    changes, missing = [], []
    for name, metric in metrics.items():
        if metric in after.metrics(name) and name in first:
            results = (first[name], after.result(name, metric))
            _require_one_scale(name, metric, (before, after), results)
            _require_one_direction(name, metric, (before, after), results)
            ability = known(name, choices.abilities, choices.usual).ability
            changes.append(set_change(name, metric, results, ability))
        elif metric in after.metrics(name) or name in first:
            only, other = (before, after) if name in first else (after, before)
            broken = other.broken(name)
            why = (
                f"is {broken} in {other.target.label}"
                if broken
                else f"is in {only.target.label} alone"
            )
            missing.append(f"{name}: {metric} {why}, so it is not compared")
    return After(after.target.label, changes, missing)


def _require_one_scale(
    name: str, metric: str, targets: tuple[Scores, Scores], results: tuple[dict, dict]
) -> None:
    """Refuse a score in percent beside a share of the same metric."""
    found = [
        (target.target.label, row["value"])
        for target, result in zip(targets, results, strict=True)
        for row in result["scores"]
        if row["metric"] == metric and not row["subset"]
    ]
    if mixed := mixed_scales(metric, found):
        (share_of, share), (percent_of, percent) = mixed
        raise UserError(
            f"{name}: {metric} is {share:g} in {share_of} and {percent:g} in {percent_of}, a share "
            "and one in percent; divide the latter and its standard error by 100 in its file, or "
            "leave the set out with --tasks."
        )


def _require_one_direction(
    name: str, metric: str, targets: tuple[Scores, Scores], results: tuple[dict, dict]
) -> None:
    """Refuse a metric that is better if higher by one file, and if lower by the other."""
    words = {True: "true", False: "false"}
    said = [words.get(row_of(result, metric).get("higher_is_better"), "") for result in results]
    if "" not in said and said[0] != said[1]:
        first, second = (target.target.label for target in targets)
        raise UserError(
            f"{name}: `higher_is_better` of {metric} is {said[0]} in {first} and {said[1]} in "
            f"{second}; correct the file that is wrong, or leave the set out with --tasks."
        )


def _sets(scores: Sequence[Scores], choices: Choices) -> list[str]:
    """The sets to compare, in the order of the first that has them."""
    files = [each for each in scores if each.target.files]
    named = [name for name in choices.tasks if any(each.metrics(name) for each in scores)]
    if choices.tasks and len(files) == len(scores):
        for name in choices.tasks:
            if name not in named:
                raise UserError(
                    f"--tasks: none of the results has {name!r}; they have "
                    f"{_some([n for each in scores for n in each.sets()])}."
                )
        return named
    if choices.tasks:
        # Checkpoints were scored on what was named, which may be a folder of tasks.
        made = [each for each in scores if not each.target.files]
        return list(dict.fromkeys(name for each in made for name in each.sets()))
    return list(dict.fromkeys(name for each in scores for name in each.sets()))


def _metric(name: str, scores: Sequence[Scores], choices: Choices) -> str:
    """The metric that was asked for, that of the catalogue, or the task's first."""
    found = list(dict.fromkeys(m for each in scores for m in each.metrics(name)))
    wanted = choices.metrics.get(name)
    if wanted is not None and wanted not in found:
        raise UserError(f"--metric: {name} has no metric {wanted!r}; it has {', '.join(found)}.")
    common = choices.metrics.get("")
    order = (wanted, common, known(name, usual=choices.usual).metric, found[0])
    return next(metric for metric in order if metric in found)


def _metric_of(text: str) -> tuple[str, str]:
    """(task, metric) of `TASK=METRIC`; the task is "" for all."""
    return _pair("--metric", text) if "=" in text else ("", text)


def _once(option: str, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs, if no name has two values: which one counts would not be seen."""
    values = dict(pairs)
    for name, value in pairs:
        if values[name] != value:
            what = name or "all tasks"
            raise UserError(f"{option}: {what} has both {shown(value)} and {shown(values[name])}.")
    return pairs


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise UserError(f"{option}: expected NAME=VALUE, found {shown(text)}.")
    return name, value


def _margin(option: str, value: Any) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise UserError(f"{option}: expected a number above 0, found {value}.")
    return number


def _below_all(option: str, points: float) -> float:
    if points >= ALL_POINTS:
        raise UserError(
            f"{option}: expected points below {ALL_POINTS}, found {points:g}; no share can fall by "
            "more."
        )
    return points


def _some(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
