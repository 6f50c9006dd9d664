"""Where a comparison of methods gets no verdict: at the floor or at the ceiling of its scores.

A method that learned nothing has nothing to forget, and above a score near 100 there is no room for
a better one: a test there says nothing about methods. Numbers are shown all the same.
"""

import numpy as np

from lethe.metrics.end_tasks import CEILING, SUMMARIES, is_at_floor
from lethe.metrics.subjects import Subject


def at_bound(subject: Subject, name: str, metric: str, axis: str) -> str:
    """Why the metric of that subject cannot be judged; empty if it can. For end tasks only."""
    if metric not in SUMMARIES:
        return ""
    word = metric.partition("_")[0]
    own, untrained = (_mean(subject, f"{word}_{part}", axis) for part in ("own", "base"))
    if is_at_floor(own, untrained):
        return f"{name} is at floor: own {own:.1f}, {untrained:.1f} before any domain"
    score = _mean(subject, metric, axis)
    if not metric.endswith("fr_ke") and score >= CEILING:
        return f"{name} is at the ceiling: {score:.1f}"
    return ""


def _mean(subject: Subject, metric: str, axis: str) -> float:
    values = list(subject.values(metric, axis).values())
    return float(np.mean(values)) if values else np.nan
