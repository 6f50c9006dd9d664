"""Points of the frontier at equal learning: a method's rates, by share learned and share kept."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lethe.longtables.axes import DOMAIN, OWN
from lethe.longtables.run import method_words
from lethe.metrics.intervals import interval_of_units
from lethe.metrics.learning_curves import Curve
from lethe.metrics.learning_points import KEPT, LEARNED

EQUAL, EQUAL_DOMAINS = ("equal", "kept_share"), ("equal_domains", "kept_share")
"""The words `of` and `kept` of these points: of own tasks, and of domains."""
OF_CURVES = {OWN: EQUAL, DOMAIN: EQUAL_DOMAINS}
KEPT_WORDS = {
    EQUAL[0]: "the share of general ability above chance that is left after the last stage, mean "
    "over axes",
    EQUAL_DOMAINS[0]: "the share of what was learned of earlier domains (cloze above the base) "
    "that is left after the last stage",
}
DOTTED = "Dotted: the level L* at which methods are compared (table equal_learning). "
PERCENT = 100.0
ENDS = ("value", "low", "high")


def equal_caption(kinds: Iterable[str]) -> str:
    """What is right and up. kinds: the words `of` of the points that are shown."""
    kept = "; of domains ".join(KEPT_WORDS[of] for of in KEPT_WORDS if of in set(kinds))
    return (
        "In %: right: learned, mean over tasks or domains of what a chain gained right after its "
        "stage, as a share of what it alone gains at four times the steps; up: kept, "
        f"{kept}; a point a rate. {DOTTED}"
    )


def equal_points(curves: Iterable[Curve], level: float) -> pd.DataFrame:
    """A row per curve and rate of which both shares are known, in %, with t-intervals over units.

    place: of the rate on its curve, from 1; 0 if it has one. level: L*, in %.
    """
    rows = []
    for curve in curves:
        name = method_words(curve.method, curve.parametrisation)
        for place, recipe in enumerate(curve.recipes):
            numbers = {
                "learned": _ends(curve, LEARNED, place),
                "kept": _ends(curve, KEPT, place),
            }
            if np.isnan([numbers["learned"][0], numbers["kept"][0]]).any():
                continue
            row = {"model": curve.model, "method": name, "recipe": recipe, "order": curve.order}
            of, kept = OF_CURVES[curve.of]
            row |= {"of": of, "kept": kept, "control": False, "base": 0.0}
            for kind, ends in numbers.items():
                row |= {f"{kind}_{end}": x for end, x in zip(ENDS, ends, strict=True)}
            row |= {"rate": curve.rates[place], "curve": curve.number}
            count = len(curve.units)
            row |= {"interval_over": f"{count} {curve.unit}{'s' * (count != 1)}"}
            row |= {"place": place + 1 if len(curve.recipes) > 1 else 0}
            rows.append(row | {"level": PERCENT * level})
    return pd.DataFrame(rows)


def _ends(curve: Curve, name: str, place: int) -> tuple[float, float, float]:
    values = [PERCENT * unit[name][place] for unit in curve.units.values()]
    return (float(np.mean(values)), *interval_of_units(values))
