"""Where a comparison of methods gets no verdict: at the floor or at the ceiling of an outcome.

The rule is that of `lethe.metrics.bounds`, which tables have too. Numbers are shown all the same.
"""

import numpy as np

from lethe.claims.cells import Question
from lethe.longtables.metric_ids import DOMAIN_SUMMARIES, END_TASK_SUMMARIES
from lethe.metrics.bounds import (
    is_at_ceiling,
    is_at_chance,
    learned_nothing,
    loss_fell_too_little,
)
from lethe.metrics.subjects import DOMAINS, LOSS, Subject

FORGETTING = ("fr_ke", "forgotten")
OUTCOMES = {"f1": "F1", "acc": "accuracy", "cloze": "cloze", "loss": "loss"}


def outcome_of(metric: str) -> str:
    """`f1`, `acc`, `cloze` or `loss`; empty for a metric that is no outcome of a domain."""
    if metric == LOSS:
        return "loss"
    known = metric in (*END_TASK_SUMMARIES, *DOMAIN_SUMMARIES)
    return metric.partition("_")[0] if known else ""


def at_bound(compared: list[tuple[Subject, str]], asked: Question, axis: str) -> str:
    """Why the metric of these subjects, with their names, cannot be compared; empty if it can.

    compared: the first minus the second, or one alone.
    """
    outcome = outcome_of(asked.metric)
    if not outcome or (asked.metric == LOSS and axis != DOMAINS):
        return ""
    reasons = [_did_not_learn(*one, outcome, asked.gain) for one in compared]
    if outcome != "loss":
        reasons += [_at_chance(*one, asked.metric) for one in compared]
        reasons.append(_no_room(compared, asked))
    return "; ".join(dict.fromkeys(filter(None, reasons)))


def _did_not_learn(subject: Subject, name: str, outcome: str, gain: float | None) -> str:
    own, base = (_of(subject, f"{outcome}_{part}") for part in ("own", "base"))
    digits = 2 if outcome == "loss" else 1
    if outcome == "loss":
        learned = not loss_fell_too_little(own, base, gain)
    else:
        learned = not learned_nothing(own, base, _chance(subject, outcome), gain)
    if learned:
        return ""
    return (
        f"{name} did not learn: {OUTCOMES[outcome]} {own:.{digits}f} right after its domains, "
        f"{base:.{digits}f} before any"
    )


def _at_chance(subject: Subject, name: str, metric: str) -> str:
    """Forgetting is at chance where what was forgotten or what is left is, own - forgetting."""
    outcome, _, part = metric.partition("_")
    chance = _chance(subject, outcome)
    scores = [_of(subject, metric)]
    if part in FORGETTING:
        own = _of(subject, f"{outcome}_own")
        scores = [own, own - scores[0]]
    for score in scores:
        if is_at_chance(score, chance):
            return f"{name} is at chance: {OUTCOMES[outcome]} {score:.1f}, chance {chance:.1f}"
    return ""


def _chance(subject: Subject, outcome: str) -> float:
    """End tasks have no chance level of their own; where there is cloze, its classes are theirs."""
    levels = [_of(subject, f"{word}_chance") for word in (outcome, "cloze")]
    return next((level for level in levels if not np.isnan(level)), np.nan)


def _no_room(compared: list[tuple[Subject, str]], asked: Question) -> str:
    """Both scores are at the ceiling; of a pool, which is to be exceeded, its own is enough.

    A method far below one at the ceiling is told from it: the ceiling only makes it seem nearer.
    """
    if len(compared) != 2 or asked.metric.endswith(FORGETTING):
        return ""
    exceeded = compared[1:] if asked.contrast == "method_less_pool" else compared
    scores = [(_of(subject, asked.metric), name) for subject, name in exceeded]
    if not all(is_at_ceiling(score) for score, _ in scores):
        return ""
    return "; ".join(f"{name} is at the ceiling: {score:.1f}" for score, name in scores)


def _of(subject: Subject, metric: str) -> float:
    """The mean over the subject's runs; nan if it has no such number."""
    for place, by_seeds in subject.numbers.items():
        if place[0] == metric and not place[2]:
            return float(np.mean(list(by_seeds.values())))
    return float("nan")
