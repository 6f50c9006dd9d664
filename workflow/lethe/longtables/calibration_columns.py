"""Columns of calibration.csv: how far a set's probabilities of the choices can be believed."""

from lethe.longtables.change_columns import PLACE
from lethe.longtables.columns import rule

CALIBRATION = {
    **PLACE,
    "metric": rule(str, "name of the measure"),
    "value": rule(float | None, "the number; empty where it is not defined, see note"),
    "low": rule(float | None, "lower end of the 95 % interval"),
    "high": rule(float | None, "upper end of the 95 % interval"),
    "n": rule(int, "items behind the number, per run"),
    "note": rule(str, "why a number is missing or needs care", empty=True),
}
