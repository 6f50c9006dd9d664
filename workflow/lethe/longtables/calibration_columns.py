"""Columns of calibration.csv: how far a set's probabilities of the choices can be believed."""

from typing import Literal

from lethe.longtables.change_columns import PLACE
from lethe.longtables.columns import rule

ECE, BRIER, COVERAGE, OVERCONFIDENCE = "ece", "brier", "coverage", "overconfidence"
BY_CHANCE = "ece_if_calibrated"
RANGES = {ECE: (0.0, 1.0), BRIER: (0.0, 2.0), COVERAGE: (0.0, 1.0), OVERCONFIDENCE: (-1.0, 1.0)}
"""The measures that have an interval, and the least and the greatest value of each."""
CHANGE = "_change"
"""The end of the name of a measure's difference to the base: after the stage less before."""
CALIBRATION = {
    **PLACE,
    "metric": rule(
        Literal[*RANGES, BY_CHANCE, *(f"{name}{CHANGE}" for name in RANGES)],
        "the measure, of which NAME_change is the difference to the base",
    ),
    "value": rule(float | None, "the number; empty where it is not defined, see note"),
    "low": rule(float | None, "lower end of the 95 % interval"),
    "high": rule(float | None, "upper end of the 95 % interval"),
    "n": rule(int, "items behind the number, per run"),
    "n_units": rule(int, "how many units the interval is over"),
    "unit": rule(str, "what the interval is over: items, item clusters, train seeds, ..."),
    "note": rule(str, "why a number is missing or needs care", empty=True),
}


def range_of(metric: str) -> tuple[float, float]:
    """The least and the greatest value of a measure or of its difference to the base."""
    low, high = RANGES.get(metric.removesuffix(CHANGE), RANGES[ECE])
    return (low - high, high - low) if metric.endswith(CHANGE) else (low, high)
