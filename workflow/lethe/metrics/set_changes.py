"""What became of the items of one evaluation set, between any two of its checkpoints."""

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import numpy as np
import pandas as pd

from lethe.errors import one_line
from lethe.longtables.change_columns import ADJUSTED, KNOWN, WITH_INTERVAL
from lethe.longtables.items import CHOICES
from lethe.longtables.rows import VALUE
from lethe.metrics.cells import Evaluation
from lethe.metrics.drawn_clusters import Names
from lethe.metrics.intervals import FEW_CLUSTERS
from lethe.metrics.item_changes import (
    Answers,
    between_seeds,
    chance_adjusted,
    commonest,
    item_values,
    lost_by_margin,
    measured,
    right_or_wrong,
    why_not_identified,
)
from lethe.metrics.item_intervals import estimates
from lethe.metrics.resamples import ItemDraw, draw_items, same_items
from lethe.metrics.row_intervals import FEW, ONE_CLUSTER
from lethe.metrics.set_means import OfSet
from lethe.metrics.shared_clusters import Place

LONGEST_ANSWER = 40
OTHER_ITEMS = "not scored on the same items"
NO_ITEMS = "one of the checkpoints has no items"
NO_VALUES = "items without a value"
GRADED = "answers are graded, not right or wrong"
NOT_IDENTIFIED = "not identified"
ESTIMATED, CLUSTERS = "estimated", "clusters"
"""In the numbers of a set that shares clusters, beside the columns: what means over sets need."""
NOTHING = {
    "n": 0,
    "n_units": 0,
    "unit": "none",
    "sets": 0,
    "identified": 0,
    "note": "",
    "commonest": "",
}


class SetChanges:
    """The items of one set on all checkpoints.

    Numbers of two checkpoints are computed once, however many runs share them.
    """

    def __init__(
        self,
        part: Evaluation,
        items: pd.DataFrame,
        chance: float,
        seed: int,
        resamples: int,
        together: Mapping[Place, Names],
    ):
        """items: with choices. chance: of the set, where choices were not kept; nan if unknown.

        together: as of `shared_clusters.drawn_together`.
        """
        self._subset, self._chance = items["subset"], chance
        column = VALUE + part.metric
        self._right = items[column if column in items else "correct"].to_numpy(dtype=float)
        names = ("margin", "gold_logprob", CHOICES)
        self._numbers_of = {name: items[name].to_numpy(dtype=float) for name in names}
        choices = self._numbers_of[CHOICES]
        # Of texts all of which are wrong, none may have been worth 1: they tell nothing.
        told = bool((self._right == 1).any()) or not np.isnan(choices).all()
        valued = self._right[~np.isnan(self._right)]
        self._is_graded = not (told and right_or_wrong(valued))
        answers = items["predicted"].astype("category").cat
        self._predicted = (answers.categories.tolist(), answers.codes.to_numpy())
        self._places: dict[str, tuple[np.ndarray, np.ndarray, ItemDraw]] = {}
        for nodes, rows in same_items(part.probe, items):
            drawn_with = together.get((part.probe, str(nodes[0])), ())
            draw = draw_items(part.probe, items.iloc[rows[:, 0]], seed, resamples, drawn_with)
            for place, node in enumerate(nodes):
                self._places[node] = (rows, rows[:, place], draw)
        self._found: dict[tuple, dict] = {}

    def numbers(self, before: tuple[str, ...], after: tuple[str, ...], subset: str) -> dict:
        """The columns of estimates of changes.csv, for a part of the set.

        before: one checkpoint; none, to compare those of `after` among each other.
        """
        key = (before, after, subset)
        if key not in self._found:
            self._found[key] = self._numbers(before, after, subset)
        return self._found[key]

    def _numbers(self, before: tuple[str, ...], after: tuple[str, ...], subset: str) -> dict:
        places = [self._places.get(node) for node in (*before, *after)]
        found = [place for place in places if place is not None]
        if len(found) < len(places):
            return NOTHING | {"note": NO_ITEMS}
        if len({id(place[0]) for place in found}) > 1:
            return NOTHING | {"note": OTHER_ITEMS}
        rows, draw = np.stack([place[1] for place in found], axis=1), found[0][2]
        mask = np.ones(len(rows), dtype=bool)
        if subset:
            mask = (self._subset.iloc[rows[:, 0]] == subset).to_numpy()
        rows, units = rows[mask], draw.units(mask)
        behind = {"n": len(rows), "n_units": units, "unit": draw.unit}
        if (clusters := draw.clusters(mask)) is not None:
            behind[CLUSTERS] = clusters
        notes = [ONE_CLUSTER] if units == 1 else [FEW] if units < FEW_CLUSTERS else []
        if before:
            numbers, reason = self._of_pair(rows, draw, mask)
        else:
            numbers, reason = self._between(rows, draw, mask)
        notes = [reason, *notes] if reason else notes
        return NOTHING | behind | numbers | {"note": "; ".join(notes)}

    def _between(self, rows: np.ndarray, draw: ItemDraw, mask: np.ndarray) -> tuple[dict, str]:
        """(numbers, why some are missing) of several seeds."""
        if reason := self._why_uncounted(rows):
            return {}, reason
        values = between_seeds(self._right[rows])
        return _columns(estimates(values, draw, mask, {})) | {"sets": 1}, ""

    def _of_pair(self, rows: np.ndarray, draw: ItemDraw, mask: np.ndarray) -> tuple[dict, str]:
        """(numbers, why some are missing) of an earlier and a later checkpoint."""
        before, after = (self._answers_of(rows[:, place]) for place in (0, 1))
        (_, share), (answer, later_share) = (self._commonest(rows[:, place]) for place in (0, 1))
        numbers: dict[str, Any] = {"commonest": one_line(answer)[:LONGEST_ANSWER]}
        numbers |= {"commonest_before": share, "commonest_after": later_share}
        if uncounted := self._why_uncounted(rows):
            values = measured(before, after)
            return numbers | _columns(estimates(values, draw, mask, {})), uncounted
        choices = self._choices(rows[:, 0], before.margin)
        reason = why_not_identified(before.right, after.right, choices, (share, later_share))
        known = None if reason else choices
        numbers |= {"sets": 1, "identified": int(known is not None)}
        values = item_values(before, after, known)
        steps: dict[str, float] = {}
        if known is not None:
            steps = dict.fromkeys(KNOWN, float((known / (known - 1)).mean()))
            adjusted = chance_adjusted(before.right, after.right, known)
            numbers |= dict(zip(ADJUSTED, astuple(adjusted), strict=True))
        if choices is not None:
            numbers["choices"] = float(choices.mean())
        by_margin = lost_by_margin(before, after)
        numbers |= {f"lost_{third}": share for third, share in by_margin.items()}
        numbers |= _columns(estimates(values, draw, mask, steps))
        return numbers, f"{NOT_IDENTIFIED}: {reason}" if reason and choices is not None else ""

    def _why_uncounted(self, rows: np.ndarray) -> str:
        """Why answers are neither right nor wrong, in words; empty where each is one of them."""
        if self._is_graded:
            return GRADED
        without = int(np.isnan(self._right[rows]).any(axis=1).sum())
        return f"{NO_VALUES}, {without} of {len(rows)}" if without else ""

    def _answers_of(self, rows: np.ndarray) -> Answers:
        margin, gold = (self._numbers_of[name][rows] for name in ("margin", "gold_logprob"))
        return Answers(self._right[rows], margin, gold)

    def _commonest(self, rows: np.ndarray) -> tuple[str, float]:
        names, codes = self._predicted
        counts = np.bincount(codes[rows], minlength=len(names))
        return commonest(dict(zip(names, counts.tolist(), strict=True)))

    def _choices(self, rows: np.ndarray, margin: np.ndarray) -> np.ndarray | None:
        """The number of choices of each item; None where answers are no choices."""
        choices = self._numbers_of[CHOICES][rows]
        if not np.isnan(choices).all():
            return choices
        # Margins come from choices; older scores do not tell how many there were, but chance does.
        if np.isnan(margin).all() or not 0 < self._chance < 1:
            return None
        return np.full(len(rows), 1 / self._chance)


def _columns(found: dict[str, OfSet]) -> dict[str, Any]:
    """Columns of estimates, with those of their intervals where they have any."""
    columns: dict[str, Any] = {}
    for name, estimate in found.items():
        columns[name] = estimate.value
        if name in WITH_INTERVAL:
            columns |= {f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            if estimate.drawn:
                columns.setdefault(ESTIMATED, {})[name] = estimate.drawn
    return columns
