"""What the name of a metric tells: its scale, shares of 1 or percent, and its direction."""

import re
from collections.abc import Iterator

from lethe.errors import UserError

SHARES = {"acc", "accuracy", "em", "match", "mc1", "mc2", "mcc", "mrr", "pass", "stereotype"}
"""Words in the names of metrics that lm-eval gives as shares, 0 to 1 (mcc: -1 to 1)."""

EITHER = {"f1", "exact", "precision", "recall", "rouge1", "rouge2", "rougel", "rougelsum", "sari"}
"""Words in the names of metrics that some tasks give as shares and others in percent."""

LOWER = {"bits", "bpb", "brier", "cer", "loss", "mae", "mse", "nll", "perplexity", "ppl", "rmse"}
LOWER |= {"ter", "wer"}
"""Words in the names of metrics that are better if lower."""

Score = tuple[str, float]
"""Where a score was read, in words, and its value."""


def is_better_if_higher(metric: str) -> bool | None:
    """False for a metric that is better if lower by its name; None where that says nothing."""
    return False if _words(metric) & LOWER else None


def require_shares(task: str, metric: str, chain: str, scores: list[Score]) -> None:
    """Refuse a value that the metric cannot have.

    Raises:
        UserError: names the task, the value, the file and what to do.
    """
    words = _words(metric.partition(",")[0])
    if not words & SHARES or "diff" in words:
        return
    lowest = -1 if "mcc" in words else 0
    for where, value in scores:
        if not lowest <= value <= 1:
            others = [f"{other:g} in {place}" for place, other in scores if lowest <= other <= 1]
            beside = f" beside {others[0]}" if others else ""
            raise UserError(
                f"{chain}: the metric {metric!r} of {task!r} is {value:g} in {where}{beside}, "
                f"expected a share from {lowest} to 1; if it is in percent, divide it and its "
                "standard error by 100 in that file, or score the stage again."
            )


def mixed_scales(metric: str, scores: list[Score]) -> list[Score]:
    """A share and a value above 1 of a metric that may be either; empty if there are no two."""
    if not _words(metric.partition(",")[0]) & EITHER:
        return []
    pair = [next(_some(scores, 0, 1), None), next(_some(scores, 1, float("inf")), None)]
    return [] if None in pair else [score for score in pair if score]


def _some(scores: list[Score], low: float, high: float) -> Iterator[Score]:
    return (score for score in scores if low < score[1] <= high)


def _words(metric: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", metric.lower()))
