"""Curves of a study: what each chain learned and kept, by rate, and what it keeps at the level L*.

A curve is a method with one parametrisation on one model and order; its points are the recipes that
differ in the learning rate alone, from the lowest to the highest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.longtables.axes import OWN
from lethe.longtables.run import SEEDS
from lethe.longtables.stage_rows import LEVEL
from lethe.longtables.tables import LongTables, once
from lethe.metrics.equal_learning import AtLevel, at_level
from lethe.metrics.learning_points import FULL, KEPT, LEARNED, points
from lethe.metrics.shown import PLAIN

OF_CURVE = ["model", "parametrisation", "method", "order", "curve"]
MISSING = "what was learned is not known at every rate"
NOT_KEPT = "what was kept is not known at every rate"
UNITS = {"world_seed": "world", "base_seed": "base", "train_seed": "train seed"}


@dataclass(frozen=True)
class Curve:
    """One method at all of its rates.

    recipes, rates, learned, kept: (R,), means over units. axes: kept by axis, (R,) each. by_unit:
    what each unit keeps at the level; by_axis: the same of single axes. unit: what a unit is.
    units: learned and kept of every unit, (R,) each. of: OWN, or DOMAIN where what is learned and
    kept is of domains, so that `kept` is no mean of `axes`. number: what tells curves of one method
    apart whose recipes differ by more than the rate.
    """

    model: str
    parametrisation: str
    method: str
    order: str
    recipes: tuple[str, ...]
    rates: tuple[float, ...]
    learned: np.ndarray
    kept: np.ndarray
    axes: Mapping[str, np.ndarray]
    by_unit: Mapping[int, AtLevel]
    by_axis: Mapping[str, Mapping[int, AtLevel]]
    unit: str
    units: Mapping[int, Mapping[str, np.ndarray]]
    of: str = OWN
    number: float = float("nan")
    notes: tuple[str, ...] = field(default=())

    @property
    def is_plain(self) -> bool:
        return self.method == PLAIN and self.parametrisation == FULL

    @property
    def best(self) -> float:
        """The most that it learns at one rate, mean over units; nan if nothing is known."""
        known = self.learned[~np.isnan(self.learned)]
        return float(known.max()) if len(known) else float("nan")

    @property
    def is_rising(self) -> bool:
        """Whether it learns the most at its highest rate, so that a higher one may teach more."""
        return not np.isnan(self.learned).any() and int(self.learned.argmax()) + 1 == len(
            self.rates
        )

    def at(self, axis: str = "") -> dict[int, float]:
        """What is kept at the level by unit, of an axis or of all; nan where it is not reached."""
        found = self.by_axis[axis] if axis else self.by_unit
        return {unit: at.kept for unit, at in found.items()}

    def reasons(self) -> dict[str, list[int]]:
        """The units without a number at the level, by reason."""
        found: dict[str, list[int]] = {}
        for unit, at in self.by_unit.items():
            if at.reason:
                found.setdefault(at.reason, []).append(unit)
        return found


def level_of(tables: LongTables) -> float | None:
    """L* of a study; None if it has no reference chains.

    Raises:
        UserError: its parts declare several.
    """
    if tables.references is None:
        return None
    stages = tables.references.stages
    if not len(stages):
        raise UserError(
            "equal learning needs the study's stages.csv, which names L* and the rates; give it "
            "with `--stages`."
        )
    levels = sorted(set(stages.loc[stages["measure"] == LEVEL, "value"]))
    if len(levels) != 1:
        found = ", ".join(f"{level:g}" for level in levels) or "none"
        raise UserError(
            f"stages: expected one `references.level` for all reference chains, found {found}; "
            "parts of a study must declare the same."
        )
    return float(levels[0])


@once
def curves(tables: LongTables) -> list[Curve]:
    """The curves of a study with reference chains, in the order of its methods; else none."""
    level = level_of(tables)
    if level is None:
        return []
    frame = points(tables)
    if not len(frame):
        return []
    units = {model: _unit(part) for model, part in frame.groupby("model", sort=False)}
    groups = frame.groupby(OF_CURVE, sort=False, dropna=False)
    return [_curve(part, units[part["model"].iloc[0]], level) for _, part in groups]


def _unit(runs: pd.DataFrame) -> str:
    """What a model's runs are paired over: worlds, else bases, else train seeds."""
    return next((name for name in SEEDS if runs[name].nunique() > 1), SEEDS[0])


def _curve(part: pd.DataFrame, unit: str, level: float) -> Curve:
    numbers = [name for name in part.columns if name == LEARNED or name.startswith(KEPT)]
    part = part.assign(unit=part[unit].fillna(-1).astype(int))
    axes = [name for name in numbers if name.startswith(f"{KEPT} ")]
    axes = [name for name in axes if part[name].notna().any()]
    # Stable, so that recipes without a known rate stay in the order of the study.
    recipes = part.drop_duplicates("recipe").sort_values("rate", kind="stable")
    names = list(recipes["recipe"])
    by_unit = {
        int(key): rows.groupby("recipe")[numbers].agg(_mean).reindex(names)
        for key, rows in part.groupby("unit", sort=True)
    }
    means = sum(by_unit.values()) / len(by_unit)
    word = part.iloc[0]
    return Curve(
        **{name: word[name] for name in OF_CURVE if name != "curve"},
        recipes=tuple(names),
        rates=tuple(float(rate) for rate in recipes["rate"]),
        learned=means[LEARNED].to_numpy(),
        kept=means[KEPT].to_numpy(),
        axes={name.removeprefix(f"{KEPT} "): means[name].to_numpy() for name in axes},
        by_unit={key: _at(rows, KEPT, level) for key, rows in by_unit.items()},
        by_axis={
            name.removeprefix(f"{KEPT} "): {
                k: _at(rows, name, level) for k, rows in by_unit.items()
            }
            for name in axes
        },
        unit=UNITS[unit],
        units={
            key: {name: rows[name].to_numpy() for name in (LEARNED, KEPT)}
            for key, rows in by_unit.items()
        },
        of=str(word["of"]),
        number=float(word["curve"]),
        notes=tuple(dict.fromkeys(note for note in part["note"] if note)),
    )


def _mean(values: pd.Series) -> float:
    """Mean over what varies within a unit; nan if one number is missing."""
    return float(values.mean(skipna=False))


def _at(rows: pd.DataFrame, name: str, level: float) -> AtLevel:
    """What one unit keeps at the level. rows: a row per rate, from the lowest."""
    learned, kept = rows[LEARNED].to_numpy(), rows[name].to_numpy()
    if np.isnan(learned).any():
        return AtLevel(float("nan"), MISSING)
    if np.isnan(kept).any():
        # Whether the level is reached is known all the same.
        reached = at_level(learned, np.zeros(len(learned)), level)
        return AtLevel(float("nan"), reached.reason or NOT_KEPT)
    return at_level(learned, kept, level)
