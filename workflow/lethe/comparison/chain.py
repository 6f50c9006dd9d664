"""Several checkpoints after one another: what is forgotten over the chain, by ability."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np

from lethe.comparison.compared import Compared
from lethe.comparison.sets import POINTS
from lethe.longtables.axes import NO_ABILITY, sorted_axes
from lethe.metrics.general import drop_points, fg_luo
from lethe.metrics.matrix import forget_chaudhry
from lethe.metrics.registry import REGISTRY
from lethe.metrics.schedule import Schedule

ALL = "all abilities"
METRICS = (drop_points.metric, fg_luo.metric, REGISTRY["forget_chaudhry"])


@dataclass(frozen=True)
class ChainRow:
    """The metrics of an ability's sets over the chain; None where one is not defined."""

    ability: str
    sets: list[str]
    drop_points: float | None
    fg_luo: float | None
    forget_chaudhry: float | None


def chain_rows(compared: Sequence[Compared]) -> list[ChainRow]:
    """By ability, and of all sets; of those in points that every checkpoint has.

    Forgetting from the best takes the base as the stage that taught every set.
    """
    paths = _paths(compared)
    abilities = {each.change.name: each.change.ability for one in compared for each in one.judged}
    names = sorted_axes({abilities[name] for name in paths})
    rows = [_row(name, {s: p for s, p in paths.items() if abilities[s] == name}) for name in names]
    general = {name: path for name, path in paths.items() if abilities[name] not in NO_ABILITY}
    return [*rows, _row(ALL, general)] if len(general) > 1 else rows


def formulas() -> list[dict[str, Any]]:
    """What the columns mean."""
    return [{"id": m.id, "formula": m.formula, "source": m.source, "unit": m.unit} for m in METRICS]


def _paths(compared: Sequence[Compared]) -> dict[str, list[float]]:
    """The scores of every set at the base and after each stage."""
    by_stage = [
        {
            each.change.name: each.change.scores
            for each in one.judged
            if each.change.unit == POINTS and each.change.better
        }
        for one in compared
    ]
    return {
        name: [before, *(stage[name][1] for stage in by_stage)]
        for name, (before, _) in by_stage[0].items()
        if all(name in stage for stage in by_stage)
    }


def _row(ability: str, paths: dict[str, list[float]]) -> ChainRow:
    scores = np.array(list(paths.values())).T  # (checkpoints, sets)
    # The base is stage 1, which taught all columns; nothing is read of the row before it.
    taught = (tuple(range(len(paths))), *[()] * (len(scores) - 1))
    stages = np.vstack([np.full(len(paths), np.nan), scores])
    from_best = forget_chaudhry(stages, schedule=Schedule(taught))
    values = (drop_points(scores), fg_luo(scores), 100 * from_best)
    numbers = [None if isnan(value) else float(value) for value in map(float, values)]
    return ChainRow(ability, list(paths), *numbers)
