"""Bootstrap replicates of every score of a study, drawn from its items.

All checkpoints scored on the same items share one draw, and so do all metrics of a set, so any
difference between them is paired.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.longtables.axes import TOKENS
from lethe.longtables.rows import VALUE
from lethe.metrics.corpus_level import BY_TOKEN, CORPUS_LEVEL, NATS, SAME, SENTENCE_NOTE
from lethe.metrics.drawn_clusters import NAME, DrawnClusters, Names, plain_names
from lethe.metrics.intervals import RESAMPLES, cluster_weights, item_generator, resampled_means
from lethe.metrics.shared_clusters import drawn_together, full_names

STDERR_NOTE = "interval from standard errors, not paired"

# (checkpoint node, evaluation set, subset, metric)
Cell = tuple[str, str, str, str]
CELL = ["node", "probe", "subset", "metric"]


@dataclass(frozen=True)
class Replicates:
    """One score, resampled: values (resamples,) or None, and the number and kind of units drawn.

    clusters: which ones, if they are known.
    """

    values: np.ndarray | None
    units: int
    unit: str
    note: str = ""
    clusters: DrawnClusters | None = None


@dataclass(frozen=True)
class _Drawn:
    mean: float
    values: np.ndarray
    units: int
    unit: str
    clusters: DrawnClusters


@dataclass(frozen=True)
class ItemDraw:
    """One draw of the clusters of a set's items, for all checkpoints with these items.

    cluster: (items,) index of each item's cluster. weights: (resamples, clusters), of clusters of
    other sets too if these are drawn with them. unit: what is drawn, in words. together: the names
    of all that are drawn, if other sets' are among them.
    """

    cluster: np.ndarray
    weights: np.ndarray
    unit: str
    together: Names = ()

    def units(self, mask: np.ndarray) -> int:
        """The number of clusters of some of the items."""
        return len(np.unique(self.cluster[mask]))

    def present(self, mask: np.ndarray) -> np.ndarray:
        """(clusters,) which of the drawn clusters some of the items have."""
        return np.bincount(self.cluster[mask], minlength=self.weights.shape[1]) > 0

    def clusters(self, mask: np.ndarray) -> DrawnClusters | None:
        """Those of some of the items, if they are drawn with those of other sets."""
        return DrawnClusters(self.together, self.present(mask)) if self.together else None


def draw_items(
    probe: str,
    items: pd.DataFrame,
    seed: int,
    resamples: int = RESAMPLES,
    together: Names = (),
) -> ItemDraw:
    """The draw of a set's items, which depends on the seed, the set and its clusters alone.

    together: the sorted clusters of this set and of others that are drawn with it; their draw
    depends on the seed and on these alone, so it is the same for all these sets.
    """
    full = full_names(items) if together else items["cluster_id"].to_numpy(dtype=object)
    cluster, own = pd.factorize(full, sort=True)
    unit = "items" if len(own) == len(items) else "item clusters"
    names = together or tuple(own)
    if together:
        cluster = np.searchsorted(np.array(together, dtype=object), own)[cluster]
    generator = item_generator(seed, NAME if together else probe, plain_names(names))
    weights = cluster_weights(len(names), resamples, generator)
    return ItemDraw(cluster, weights, unit, together)


class ItemResamples:
    """Replicates of scores, by checkpoint, evaluation set, subset and metric."""

    def __init__(
        self,
        items: Mapping[str, pd.DataFrame],
        scores: pd.DataFrame,
        seed: int,
        resamples: int = RESAMPLES,
    ):
        """Draw from the items of every set that has any.

        Args:
            items: tables of items by evaluation set; one at a time is held.
            scores: the rows of the scores table that will be resampled.
        """
        self._seed = seed
        self._resamples = resamples
        self._drawn: dict[Cell, _Drawn] = {}
        metrics = {
            str(probe): sorted(rows["metric"].unique())
            for probe, rows in scores.groupby("probe", sort=True)
            if probe in items
        }
        self._together = drawn_together(items, metrics)
        for probe, named in metrics.items():
            self._draw_probe(probe, items[probe], named)
        self._no_means = self._not_means(scores)

    def replicates(self, row: pd.Series | dict) -> Replicates:
        """Replicates of one row of the scores table.

        If the metric is the items' mean, from the items; if it is a corpus-level metric, from the
        items' spread around it; else draws from its standard error, if it has one.
        """
        drawn = self._drawn.get(tuple(row[key] for key in CELL))
        if drawn is not None:
            if (row["probe"], row["metric"]) not in self._no_means:
                return Replicates(drawn.values, drawn.units, drawn.unit, "", drawn.clusters)
            if row["metric"].partition(",")[0] in CORPUS_LEVEL:
                moved = _bounded(drawn.values - drawn.mean + row["value"], row)
                return Replicates(moved, drawn.units, drawn.unit, SENTENCE_NOTE, drawn.clusters)
        if pd.isna(row["stderr"]):
            return Replicates(None, 0, "none", "no items and no standard error")
        words = [str(row[key]) for key in ("node", "subset", "metric")]
        generator = item_generator(self._seed, row["probe"], words)
        values = _from_stderr(row, generator, self._resamples)
        return Replicates(values, row["n"], "items", STDERR_NOTE)

    def _not_means(self, scores: pd.DataFrame) -> set[tuple[str, str]]:
        """(set, metric) of scores that are not their items' means on every checkpoint.

        One checkpoint is enough: on others the two may agree by chance, as where all values are 0.
        """
        found = set()
        for *cell, value in scores[[*CELL, "value"]].itertuples(index=False):
            drawn = self._drawn.get(tuple(cell))
            if drawn is not None and not abs(drawn.mean - value) <= SAME:
                found.add((cell[1], cell[3]))
        return found

    def _draw_probe(self, probe: str, items: pd.DataFrame, metrics: list[str]) -> None:
        columns = {metric: metric if metric in NATS else VALUE + metric for metric in metrics}
        values = {
            metric: items[column].to_numpy(dtype=float)
            for metric, column in columns.items()
            if column in items
        }
        tokens = items[VALUE + TOKENS].to_numpy(dtype=float) if VALUE + TOKENS in items else None
        if values:
            for nodes, rows in same_items(probe, items):
                self._draw_set(probe, nodes, items.iloc[rows[:, 0]], values, rows, tokens)

    def _draw_set(
        self,
        probe: str,
        nodes: np.ndarray,
        first: pd.DataFrame,
        values: dict[str, np.ndarray],
        rows: np.ndarray,
        tokens: np.ndarray | None,
    ) -> None:
        """Draw for checkpoints with the same items.

        nodes: (checkpoints,). first: the items of the first checkpoint. values: by metric, of all
        rows of the set's table. rows: (items, checkpoints) places in it. tokens: of all its rows,
        where these are texts; metrics by token weigh each text by its own.
        """
        together = self._together.get((probe, str(nodes[0])), ())
        draw = draw_items(probe, first, self._seed, self._resamples, together)
        drawn_as = together or (probe, str(nodes[0]))
        subset = first["subset"].to_numpy(dtype=object)
        chosen = {"": np.ones(len(first), dtype=bool)}
        chosen |= {name: subset == name for name in np.unique(subset) if name}
        for metric, column in values.items():
            known = ~np.isnan(column[rows]).any(axis=0)
            answers = column[rows[:, known]]
            counts = None
            if tokens is not None and metric in BY_TOKEN:
                counts = tokens[rows[:, known]]
            for name, mask in chosen.items():
                counted = None if counts is None else counts[mask]
                drawn = resampled_means(answers[mask], draw.cluster[mask], draw.weights, counted)
                means = _mean(answers[mask], counted)
                units = draw.units(mask)
                clusters = DrawnClusters(drawn_as, draw.present(mask))
                for place, node in enumerate(nodes[known]):
                    self._drawn[node, probe, name, metric] = _Drawn(
                        float(means[place]), drawn[:, place], units, draw.unit, clusters
                    )


def _mean(values: np.ndarray, counts: np.ndarray | None) -> np.ndarray:
    """(checkpoints,) the mean of items, each as often as it counts; nan where none counts."""
    if counts is None:
        return values.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (values * counts).sum(axis=0) / counts.sum(axis=0)


def same_items(probe: str, items: pd.DataFrame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Checkpoints with the same items, (nodes, rows): rows (items, nodes) are places in the table.

    Items are in the order of their ids, and checkpoints in the order of theirs.

    Raises:
        UserError: an item occurs twice for one checkpoint.
    """
    node, nodes = _ranks(items["node"])
    item, ids = _ranks(items["item_id"])
    order = np.lexsort((item, node))
    node, item = node[order], item[order]
    twice = np.flatnonzero((node[1:] == node[:-1]) & (item[1:] == item[:-1]))
    if len(twice):
        place = twice[0]
        raise UserError(
            f"items: the item {ids[item[place]]} of {probe} occurs twice for {nodes[node[place]]}"
        )
    ends = np.flatnonzero(np.diff(node)) + 1
    alike: dict[bytes, list[tuple[str, np.ndarray]]] = {}
    for rows, has in zip(np.split(order, ends), np.split(item, ends), strict=True):
        if len(rows):
            alike.setdefault(has.tobytes(), []).append((items["node"].iat[rows[0]], rows))
    for parts in alike.values():
        yield (
            np.array([name for name, _ in parts], dtype=object),
            np.stack([rows for _, rows in parts], axis=1),
        )


def _ranks(names: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The place of each row's name among all names in order, and these."""
    categories = names.astype("category").cat
    known = categories.categories.to_numpy(dtype=object)
    order = np.argsort(known)
    ranks = np.empty(len(known), dtype=np.int32)
    ranks[order] = np.arange(len(known))
    return ranks[categories.codes], known[order]


def _is_share(row: pd.Series | dict) -> bool:
    """Whether a score is one of those that lie between 0 and 1.

    Losses and perplexities, which are better if lower, may be there by chance.
    """
    better = row["higher_is_better"]
    lower = not pd.isna(better) and not better
    return 0 <= row["value"] <= 1 and row["metric"] not in NATS and not lower


def _bounded(values: np.ndarray, row: pd.Series | dict) -> np.ndarray:
    return np.clip(values, 0, 1) if _is_share(row) else values


def _from_stderr(
    row: pd.Series | dict, generator: np.random.Generator, resamples: int
) -> np.ndarray:
    """Draws whose mean is the score and whose standard deviation is its standard error.

    A share has the beta distribution with these two, so that draws stay within 0 and 1; it exists
    unless the error is larger than that of one item.
    """
    mean, variance = row["value"], row["stderr"] ** 2
    if _is_share(row) and 0 < variance < mean * (1 - mean):
        size = mean * (1 - mean) / variance - 1
        return generator.beta(mean * size, (1 - mean) * size, resamples)
    noise = generator.normal(size=resamples)
    return _bounded(mean + row["stderr"] * noise, row)
