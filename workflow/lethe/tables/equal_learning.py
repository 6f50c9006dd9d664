"""Methods at equal learning: what each learns at its rates, and what it keeps at one level."""

from collections.abc import Mapping
from typing import TypeGuard

import numpy as np

from lethe.longtables.axes import DOMAIN, OWN
from lethe.longtables.tables import LongTables
from lethe.metrics.equal_learning import (
    LEAST_LEARNED,
    Compared,
    compared,
    learns,
)
from lethe.metrics.intervals import interval_of_units
from lethe.metrics.learning_curves import Curve, curves, level_of
from lethe.metrics.learning_points import FULL
from lethe.metrics.power import POWER
from lethe.metrics.shown import LINE_COLUMNS
from lethe.tables.compute import by_line
from lethe.tables.paper import or_nothing
from lethe.tables.writing import Table

PERCENT = 100.0
NO_LEARNING = "does not learn here"
TOO_LOW = "learns too little at these rates, and most at the highest: a higher one was not tried"
NOTHING = "it has no `references`, so nothing tells how much of a task could be learned"
OF_TASKS = (
    "kept: mean over axes and their sets of (after the last stage - chance) / (base - chance). "
)
OF_DOMAINS = (
    "kept, of domains: mean over all domains but the last of (cloze after the last stage - base) / "
    "the same mean of (right after the domain's own stage - base); beside it general ability by "
    "axis, (after the last stage - chance) / (base - chance). "
)
CAPTION = (
    "Methods at equal learning, in %. learned: mean over tasks of (own score, of domains cloze, "
    "right after its stage - base) / (alone from the base at four times the steps - base). {kept}"
    "rates: peak learning rates "
    "tried, from the lowest; learned and kept at each, mean over {unit}s. of_plain: the most "
    f"learned at a rate relative to that of `sequential`; below {PERCENT * LEAST_LEARNED:.0f} a "
    f"method {NO_LEARNING}, if it learns less again at a higher rate. kept_at_level [95 % "
    "t-interval over three {unit}s or more]: at learned = {level} %, in each {unit} on the line "
    "between the two neighbouring rates that "
    "bracket it, never extrapolated; then the same of single axes. less_plain: the difference to "
    "`sequential` in the {unit}s where both have a number; smallest: the difference that {power} "
    "of 100 such comparisons would find. ratio: seconds of training relative to `sequential`. "
    "Not corrected for the number of methods."
)


def build(tables: LongTables) -> Table:
    """A row per method and parametrisation on one model and order, plain training first."""
    found = _plain_first(curves(tables))
    if not found:
        return or_nothing([], CAPTION.partition(", in %")[0] + ".", NOTHING)
    spent = _ratios(tables)
    rows = [_row(curve, plain_of(curve, found), spent) for curve in found]
    level, unit = level_of(tables), found[0].unit
    kinds = {OWN: OF_TASKS, DOMAIN: OF_DOMAINS}
    kept = "".join(words for of, words in kinds.items() if any(one.of == of for one in found))
    said = {
        "kept": kept,
        "unit": unit,
        "level": f"{PERCENT * (level or 0):g}",
        "power": f"{PERCENT * POWER:g}",
    }
    table = or_nothing(rows, CAPTION.format(**said), NOTHING)
    frame = table.frame
    several = [name for name in ("model", "parametrisation", "order") if frame[name].nunique() > 1]
    axes = list(dict.fromkeys(axis for curve in found for axis in curve.axes))
    words = frame[["model", "parametrisation", "method", "order"]]
    several += ["recipes"] * bool(words.duplicated().any())
    columns = [name for name in ("model", "method", "parametrisation", "order", "recipes")
               if name in [*several, "method"]]  # fmt: skip
    columns += ["rates", "learned", "kept", "of_plain", "kept_at_level", *axes]
    columns += ["less_plain", "smallest", "ratio", "note"]
    decimals = dict.fromkeys(("of_plain", "kept_at_level", "less_plain", "smallest", *axes), 0)
    return Table(
        frame=frame, caption=table.caption, decimals=decimals | {"ratio": 2},
        columns=tuple(columns), missing="-", is_symmetric=False,
    )  # fmt: skip


def _plain_first(found: list[Curve]) -> list[Curve]:
    """Models and orders as they were, in each plain training first."""
    groups = list(dict.fromkeys((curve.model, curve.order) for curve in found))
    return sorted(
        found, key=lambda curve: (groups.index((curve.model, curve.order)), not curve.is_plain)
    )


def plain_of(curve: Curve, found: list[Curve]) -> Curve | None:
    """The first curve of plain full training on the same model and order."""
    for other in found:
        if other.is_plain and (other.model, other.order) == (curve.model, curve.order):
            return other
    return None


def _has_learned(plain: Curve | None) -> TypeGuard[Curve]:
    """Whether plain training learned something that others can be measured against."""
    return plain is not None and plain.best > 0


def _row(curve: Curve, plain: Curve | None, spent: Mapping[tuple, float]) -> dict:
    row: dict = {"model": curve.model, "method": curve.method}
    row |= {"parametrisation": curve.parametrisation, "order": curve.order}
    row |= {"recipes": ", ".join(curve.recipes), "rates": " / ".join(map(_rate, curve.rates))}
    row |= {name: _list(getattr(curve, name)) for name in ("learned", "kept")}
    row |= {f"kept_{axis}": _list(shares) for axis, shares in curve.axes.items()}
    row |= {"of_plain": PERCENT * curve.best / plain.best if _has_learned(plain) else np.nan}
    row |= _with_interval("kept_at_level", list(curve.at().values()))
    for axis in curve.axes:
        row |= _with_interval(axis, list(curve.at(axis).values()))
    against = None if plain is None or plain is curve else compared(curve.at(), plain.at())
    ends = (np.nan,) * 3
    if against is not None:
        test = against.difference
        ends = (test.mean, test.low, test.high)
    names = ("less_plain", "less_plain_low", "less_plain_high")
    row |= {name: PERCENT * end for name, end in zip(names, ends, strict=True)}
    row |= {"pairs": 0 if against is None else against.difference.n}
    row |= {"smallest": np.nan if against is None else PERCENT * against.smallest}
    words = {name: getattr(curve, name) for name in ("model", "method", "parametrisation", "order")}
    keys = [_line(words | {"recipe": recipe}) for recipe in curve.recipes]
    row |= {"ratio": float(np.mean([spent.get(key, np.nan) for key in keys]))}
    return row | {"note": "; ".join(_notes(curve, plain, against))}


def _notes(curve: Curve, plain: Curve | None, against: Compared | None) -> list[str]:
    """Why a number is missing, and what may be said of the others."""
    notes = []
    if plain is None:
        notes.append("no plain full training on this order")
    elif not _has_learned(plain):
        notes.append("plain training learns nothing here, or it is not known")
    elif not np.isnan(curve.best) and not learns(curve.best, plain.best):
        notes.append(TOO_LOW if curve.is_rising else NO_LEARNING)
    count = len(curve.by_unit)
    for reason, units in curve.reasons().items():
        where = "" if len(units) == count else f" in {len(units)} of {count} {curve.unit}s"
        notes.append(f"{reason}{where}")
    if against is not None:
        notes.append(against.words(curve.unit))
    return [*notes, *curve.notes]


def _rate(rate: float) -> str:
    return "?" if np.isnan(rate) else f"{rate:g}"


def _list(shares: np.ndarray) -> str:
    """Shares in %, of each rate in turn."""
    return " / ".join("?" if np.isnan(x) else f"{PERCENT * x:.0f}" for x in shares)


def _with_interval(name: str, shares: list[float]) -> dict[str, float]:
    """Mean and t-interval over the units that reach the level, in %."""
    known = [PERCENT * share for share in shares if not np.isnan(share)]
    mean = float(np.mean(known)) if known else float("nan")
    low, high = interval_of_units(known) if len(known) == len(shares) else (np.nan, np.nan)
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _ratios(tables: LongTables) -> dict[tuple, float]:
    """Seconds relative to plain training by the words of a line."""
    return {
        _line(dict(zip(LINE_COLUMNS, line, strict=True))): row["ratio"]
        for line, row, _ in by_line(tables.stages)
    }


def _line(words: Mapping[str, str]) -> tuple:
    names = ("model", "method", "parametrisation", "recipe", "order")
    return tuple(words.get(name, FULL) for name in names)
