"""One run's scores as an array (stages, evaluation sets), and replicates of that array."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.longtables.axes import BIAS, CALIBRATION, OWN, sorted_axes
from lethe.longtables.own_sets import is_own
from lethe.longtables.same_versions import differences_note
from lethe.longtables.tables import history, matrix
from lethe.metrics.drawn_clusters import DrawnClusters, apart, number_behind
from lethe.metrics.resamples import ItemResamples
from lethe.metrics.schedule import Schedule

LOWER_IS_BETTER = "lower is better"
# Means of whole numbers may be off by this.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Evaluation:
    """One column: an evaluation set, or a subset of one, and its headline metric.

    lower_is_better: as of a perplexity. Bias has no good direction, so it is never true of it.
    """

    axis: str
    probe: str
    subset: str
    metric: str
    lower_is_better: bool = False

    @property
    def name(self) -> str:
        return f"{self.probe} {self.subset}".strip()


@dataclass(frozen=True)
class Cells:
    """values (T+1, E), replicates (resamples, T+1, E); nan where a cell is missing.

    chance, base_stderr, n_items, n_units: (E,). units, cell_notes: a text per column. clusters: by
    column, absent where they are not known.
    """

    evaluations: list[Evaluation]
    history: list[str]
    values: np.ndarray
    replicates: np.ndarray
    chance: np.ndarray
    base_stderr: np.ndarray
    n_items: np.ndarray
    n_units: np.ndarray
    units: list[str]
    cell_notes: list[list[str]]
    clusters: Mapping[int, DrawnClusters] = field(default_factory=dict)

    def elements(self) -> list[int]:
        """Columns that are averaged over an axis: a set's subsets if it has any, else the set."""
        divided = {evaluation.probe for evaluation in self.evaluations if evaluation.subset}
        return [
            column
            for column, evaluation in enumerate(self.evaluations)
            if evaluation.subset or evaluation.probe not in divided
        ]

    def own_sets(self) -> list[int]:
        """Columns of the own tasks' sets, each as a whole."""
        return [
            column
            for column, evaluation in enumerate(self.evaluations)
            if evaluation.axis == OWN and not evaluation.subset
        ]

    def items(self, columns: Sequence[int]) -> int:
        """Items behind the columns."""
        return int(self.n_items[list(columns)].sum())

    def unit(self, columns: Sequence[int]) -> tuple[str, int]:
        """What the interval of the columns is over, and the number of these units."""
        names = sorted({self.units[column] for column in columns} - {"none"})
        unit = "item clusters" if "item clusters" in names else (names or ["none"])[0]
        return unit, self.number_of_units(columns)

    def number_of_units(self, columns: Sequence[int]) -> int:
        """The units that the columns are over; what several of them share counts once."""
        clusters = [self.clusters.get(column) for column in columns]
        return number_behind(clusters, [int(self.n_units[column]) for column in columns])

    def apart(self, columns: Sequence[int]) -> list[list[int]]:
        """The columns in groups that share no cluster with each other, in order."""
        known = [column for column in columns if column in self.clusters]
        groups = apart([self.clusters[column] for column in known])
        alone = [[column] for column in columns if column not in self.clusters]
        return sorted([*alone, *([known[place] for place in group] for group in groups)])

    def degrees(self, columns: Sequence[int]) -> int:
        """Degrees of freedom of an interval over the columns; 0 if a column has a single cluster.

        Those of sets that share no clusters add up.
        """
        if not (self.n_units[list(columns)] > 1).all():
            return 0
        return self.number_of_units(columns) - len(self.apart(columns))

    @cached_property
    def are_shares(self) -> np.ndarray:
        """(E,) True where all scores and replicates of a column lie between 0 and 1.

        Losses and perplexities, which are better if lower, may be there by chance.
        """
        every = np.concatenate([self.values[None], self.replicates]).reshape(-1, len(self.units))
        inside = np.isnan(every) | ((every >= -ROUNDING) & (every <= 1 + ROUNDING))
        lower = np.array([one.lower_is_better for one in self.evaluations], dtype=bool)
        return inside.all(axis=0) & ~lower

    def coins(self, columns: Sequence[int]) -> np.ndarray:
        """Variance of each column's share if one item were a coin toss, with its cluster; (E',).

        Items of which none changed from one checkpoint to another still leave this much open.
        """
        chosen = list(columns)
        return 1 / (4.0 * np.maximum(self.n_items[chosen] * self.n_units[chosen], 1))

    def worse_if_higher(self, columns: Sequence[int]) -> str:
        """A note that names the columns of which a higher score is worse; empty without any."""
        chosen = [self.evaluations[column] for column in columns]
        lower = [evaluation.name for evaluation in chosen if evaluation.lower_is_better]
        return f"{LOWER_IS_BETTER}: {', '.join(lower)}" if lower else ""

    def notes(self, columns: Sequence[int]) -> list[str]:
        """Notes on the intervals of the columns."""
        return sorted({note for column in columns for note in self.cell_notes[column]})


def evaluations(scores: pd.DataFrame) -> list[Evaluation]:
    """All sets and subsets of the table in axis order, each with its headline metric.

    Sets of the axis `calibration` measure no ability and are left out; masked-LM losses and end
    tasks have their own tables.

    Raises:
        UserError: two metrics of one set are marked as the headline.
    """
    tested = scores[(scores["split"] == "test") & scores["headline"]]
    tested = tested[(tested["axis"] != CALIBRATION) & tested["kind"].isin(("probe", "own_task"))]
    columns = []
    for (axis, probe), rows in tested.groupby(["axis", "probe"], sort=True):
        names = sorted(rows["metric"].unique())
        if len(names) > 1:
            raise UserError(
                f"scores: the set {probe!r} has two headline metrics, {names[0]!r} and "
                f"{names[1]!r}; give it one in its probe."
            )
        subsets = sorted(rows["subset"].unique())
        lower = axis != BIAS and bool(is_worse_if_higher(rows).any())
        columns += [Evaluation(axis, probe, subset, names[0], lower) for subset in subsets]
    rank = {axis: place for place, axis in enumerate(sorted_axes(tested["axis"]))}
    return sorted(columns, key=lambda column: (rank[column.axis], column.probe, column.subset))


def is_worse_if_higher(rows: pd.DataFrame) -> pd.Series:
    """Where a score is better if it is lower; nothing is said of most scores."""
    return rows["higher_is_better"].map({False: True}).fillna(False).astype(bool)


def read_cells(
    scores: pd.DataFrame,
    run_scores: pd.DataFrame,
    run: Sequence,
    sets: list[Evaluation],
    drawn: ItemResamples,
) -> Cells:
    """The cells of one run; `run_scores` are its rows of `scores`."""
    stages = history(scores, run)
    metric = {evaluation.probe: evaluation.metric for evaluation in sets}
    keys = [(evaluation.probe, evaluation.subset) for evaluation in sets]
    values = matrix(scores, run, keys, metric, missing="nan")
    columns = {
        (evaluation.probe, evaluation.subset, evaluation.metric): place
        for place, evaluation in enumerate(sets)
    }
    chance, stderr = np.full(len(sets), np.nan), np.full(len(sets), np.nan)
    n_items, n_units = np.zeros(len(sets), dtype=int), np.zeros(len(sets), dtype=int)
    units = ["none"] * len(sets)
    notes: list[list[str]] = [[] for _ in sets]
    clusters: dict[int, DrawnClusters] = {}
    replicates: np.ndarray | None = None
    tested = run_scores[run_scores["split"] == "test"]
    for row in tested.to_dict("records"):
        column = columns.get((row["probe"], row["subset"], row["metric"]))
        if column is None:
            continue
        resampled = drawn.replicates(row)
        if resampled.values is not None:
            if replicates is None:
                replicates = np.full((len(resampled.values), *values.shape), np.nan)
            replicates[:, row["stage_index"], column] = resampled.values
            n_units[column], units[column] = resampled.units, resampled.unit
            if resampled.clusters is not None:
                clusters[column] = resampled.clusters
        for note in (resampled.note, differences_note(row["engine"])):
            if note and note not in notes[column]:
                notes[column].append(note)
        n_items[column] = row["n"]
        if row["stage_index"] == 0:
            chance[column] = row["chance"]
            stderr[column] = _base_stderr(row, resampled.values)
    if replicates is None:
        replicates = np.full((1, *values.shape), np.nan)
    return Cells(
        sets, stages, values, replicates, chance, stderr, n_items, n_units, units, notes, clusters
    )


def _base_stderr(row: dict, replicates: np.ndarray | None) -> float:
    """Clustered standard error of a base score if there are items, else the table's, else 0."""
    if replicates is not None:
        return float(np.nanstd(replicates))
    return 0.0 if np.isnan(row["stderr"]) else row["stderr"]


def own_schedule(cells: Cells) -> tuple[list[int], Schedule]:
    """The columns of own tasks that a stage taught, in the order of their first stage.

    The schedule is over these columns: a task may be taught again, and a stage teach several tasks
    or, as far as there are sets for them, none.
    """
    own = cells.own_sets()
    taught = [
        [column for column in own if is_own(cells.evaluations[column].probe, mixture)]
        for mixture in cells.history
    ]
    columns = list(dict.fromkeys(column for stage in taught for column in stage))
    places = (tuple(columns.index(column) for column in stage) for stage in taught)
    return columns, Schedule(tuple(places))
