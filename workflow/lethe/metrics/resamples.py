"""Bootstrap replicates of every score of a study, drawn from its items.

All checkpoints scored on the same items share one draw, so any difference between them is paired.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.metrics.intervals import RESAMPLES, cluster_weights, item_generator, resampled_means

# Corpus-level metrics: their items hold the sentence-level value, whose mean is another number.
CORPUS_LEVEL = frozenset({"sari", "bleu"})
SENTENCE_NOTE = "interval from sentence-level scores"
STDERR_NOTE = "interval from standard errors, not paired"
SAME = 1e-6


@dataclass(frozen=True)
class Replicates:
    """One score, resampled: values (resamples,) or None, and the number and kind of units drawn."""

    values: np.ndarray | None
    units: int
    unit: str
    note: str = ""


@dataclass(frozen=True)
class _Drawn:
    mean: float
    values: np.ndarray
    units: int
    unit: str


class ItemResamples:
    """Replicates by (checkpoint node, evaluation set, subset) for a whole items table."""

    def __init__(self, items: pd.DataFrame, seed: int, resamples: int = RESAMPLES):
        self._seed = seed
        self._resamples = resamples
        self._drawn: dict[tuple[str, str, str], _Drawn] = {}
        for probe, rows in items.groupby("probe", sort=True):
            if not rows["correct"].isna().any():
                self._draw_probe(str(probe), rows)

    def replicates(self, row: pd.Series | dict) -> Replicates:
        """Replicates of one row of the scores table.

        If the score is the items' mean, from the items; if it is a corpus-level metric, from the
        items' spread around it; else normal draws from its standard error, if it has one.
        """
        drawn = self._drawn.get((row["node"], row["probe"], row["subset"]))
        if drawn is not None:
            if abs(drawn.mean - row["value"]) <= SAME:
                return Replicates(drawn.values, drawn.units, drawn.unit)
            if row["metric"] in CORPUS_LEVEL:
                moved = drawn.values - drawn.mean + row["value"]
                return Replicates(moved, drawn.units, drawn.unit, SENTENCE_NOTE)
        if pd.isna(row["stderr"]):
            return Replicates(None, 0, "none", "no items and no standard error")
        words = (str(row[key]) for key in ("node", "subset", "metric"))
        noise = item_generator(self._seed, row["probe"], list(words)).normal(size=self._resamples)
        return Replicates(row["value"] + row["stderr"] * noise, row["n"], "items", STDERR_NOTE)

    def _draw_probe(self, probe: str, rows: pd.DataFrame) -> None:
        rows = rows.sort_values(["node", "item_id"], kind="stable")
        twice = rows.duplicated(["node", "item_id"])
        if twice.any():
            row = rows[twice].iloc[0]
            raise UserError(
                f"items: the item {row['item_id']} of {probe} occurs twice for {row['node']}"
            )
        sets: dict[tuple, list[pd.DataFrame]] = {}
        for _, part in rows.groupby("node", sort=True):
            sets.setdefault(tuple(part["item_id"]), []).append(part)
        for parts in sets.values():
            self._draw_set(probe, parts)

    def _draw_set(self, probe: str, parts: list[pd.DataFrame]) -> None:
        """parts: the same items in the same order, once per checkpoint."""
        first = parts[0]
        nodes = [part["node"].iloc[0] for part in parts]
        correct = np.stack([part["correct"].to_numpy() for part in parts], axis=1)
        cluster, names = pd.factorize(first["cluster_id"], sort=True)
        weights = cluster_weights(
            len(names), self._resamples, item_generator(self._seed, probe, list(names))
        )
        unit = "items" if len(names) == len(first) else "item clusters"
        subset = first["subset"].to_numpy()
        chosen = {"": np.ones(len(first), dtype=bool)}
        chosen |= {name: subset == name for name in np.unique(subset) if name}
        for name, mask in chosen.items():
            values = resampled_means(correct[mask], cluster[mask], weights)
            means = correct[mask].mean(0)
            units = len(np.unique(cluster[mask]))
            for column, node in enumerate(nodes):
                self._drawn[node, probe, name] = _Drawn(
                    float(means[column]), values[:, column], units, unit
                )
