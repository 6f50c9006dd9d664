"""The metrics table of a study: every number with its interval, its unit and notes on it.

Per run: each score, forgetting of general ability per set and axis, the own-task metrics, cloze
and loss of domains, and loss on held-out texts, with bootstrap intervals over items. Over runs that
differ only in seeds: means with t-intervals.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.longtables.axes import BIAS, GENERAL, OF_DOMAINS, OWN
from lethe.longtables.metric_ids import CHANGE_SO_FAR
from lethe.longtables.rows import SCHEMA_VERSION
from lethe.longtables.run import ALONE, RUN_COLUMNS
from lethe.longtables.schema import parse_table, table_text
from lethe.longtables.tables import METRIC_COLUMNS, of_run, runs
from lethe.metrics.cells import Cells, Evaluation, evaluations, own_schedule, read_cells
from lethe.metrics.domain_rows import domain_rows
from lethe.metrics.end_task_intervals import end_task_intervals
from lethe.metrics.general import at_floor
from lethe.metrics.intervals import RESAMPLES
from lethe.metrics.matrix import TASK_METRICS
from lethe.metrics.metric_rows import Place, metric_row
from lethe.metrics.over_seeds import over_seeds
from lethe.metrics.registry import REGISTRY, Metric
from lethe.metrics.resamples import ItemResamples
from lethe.metrics.row_intervals import MEAN_SCORE, Statistic
from lethe.metrics.schedule import Schedule
from lethe.metrics.text_rows import text_rows

DROPS = ("fg_luo", "fg_last", "fg_chance", "drop_points")
# Bias has no good direction, and own tasks are what is taught: neither is general ability.
NOT_GENERAL = (BIAS, OWN)


def study_metrics(
    scores: pd.DataFrame,
    items: Mapping[str, pd.DataFrame],
    seed: int,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """The metrics table (columns METRIC_COLUMNS) of all runs in the table of scores.

    A metric whose cells are missing has an empty value and a note that names the cell.

    Args:
        items: tables of items by evaluation set; each is asked for once.
        seed: of the bootstrap.

    Raises:
        UserError: a matrix mixes engines, precisions, versions or digests.
    """
    of_domains = domain_rows(scores, items, seed, resamples)
    of_texts = text_rows(scores, items, seed, resamples)
    within = end_task_intervals(scores, items, seed, resamples)
    rows = [
        row for part in by_family(scores) for row in _ability_rows(part, items, seed, resamples)
    ]
    rows += of_domains + of_texts
    rows += over_seeds(rows)
    rows += within
    frame = pd.DataFrame(rows, columns=METRIC_COLUMNS).assign(schema_version=SCHEMA_VERSION)
    return parse_table("metrics", table_text("metrics", frame, "metrics"), "metrics")


def by_family(scores: pd.DataFrame) -> list[pd.DataFrame]:
    """Scores of general ability and own tasks: of encoders, whose sets are others, and of the rest.

    End tasks have several seeds per cell; their tables read the scores directly.
    """
    tested = scores[~scores["kind"].isin(OF_DOMAINS)]
    masked = tested["family"] == "masked"
    return [part for part in (tested[~masked], tested[masked]) if len(part)]


def _ability_rows(
    scores: pd.DataFrame, items: Mapping[str, pd.DataFrame], seed: int, resamples: int
) -> list[dict]:
    """The rows of all runs, without those over seeds."""
    sets = evaluations(scores)
    drawn = ItemResamples(items, _shown(scores, sets), seed, resamples)
    rows: list[dict] = []
    for run in runs(scores):
        run_scores = of_run(scores, run)
        cells = read_cells(scores, run_scores, run, sets, drawn)
        head = dict(zip(RUN_COLUMNS, run, strict=True)) | {"params": run_scores["params"].iloc[0]}
        found = [*_score_rows(cells), *_mean_rows(cells), *_general_rows(cells), *_own_rows(cells)]
        if head["order"].startswith(ALONE):
            found = _of_its_task(found)
        rows += [{**head, **row} for row in found]
    return rows


def _of_its_task(rows: list[dict]) -> list[dict]:
    """Of a reference chain's rows those of its task's own set, by which alone it is scored."""
    taught = {row["probe"] for row in rows if row["metric"] == "own_after"}
    return [row for row in rows if row["axis"] == OWN and row["probe"] in taught]


def _shown(scores: pd.DataFrame, sets: list[Evaluation]) -> pd.DataFrame:
    """The rows of the headline metrics, which are the ones that get an interval."""
    metric = {evaluation.probe: evaluation.metric for evaluation in sets}
    return scores[(scores["split"] == "test") & (scores["metric"] == scores["probe"].map(metric))]


def _score_rows(cells: Cells) -> list[dict]:
    """Each set after each stage, as metric `score_<name>`."""
    rows = []
    for column, evaluation in enumerate(cells.evaluations):
        for stage, task in enumerate(["", *cells.history]):
            place = Place(evaluation.axis, evaluation.probe, evaluation.subset, stage, task)
            value = cells.values[stage, column]
            note = "missing" if np.isnan(value) else ""
            name = f"score_{evaluation.metric}"
            rows.append(metric_row(place, name, value, cells, [column], note, _sum_of({stage: 1})))
    return rows


def _mean_rows(cells: Cells) -> list[dict]:
    """The mean score of each axis after each stage; of own tasks that of what was taught, if any.

    Tables and figures cannot make its interval from those of the sets, which may share clusters.
    """
    rows = []
    taught, _ = own_schedule(cells)
    for axis, columns in _by_axis(cells).items():
        if axis == OWN:
            columns = taught or cells.own_sets()
        for stage, task in enumerate(["", *cells.history]):
            value = float(cells.values[stage, columns].mean())
            absent = [note for column in columns if (note := _missing(cells, column, [stage]))]
            place, note = Place(axis, "", "", stage, task), absent[0] if absent else ""
            function = _mean_after(stage)
            rows.append(metric_row(place, MEAN_SCORE, value, cells, columns, note, function))
    return rows


def _mean_after(stage: int) -> Statistic:
    return lambda scores: scores[..., stage, :].mean(-1)


def _by_axis(cells: Cells) -> dict[str, list[int]]:
    """The columns that are averaged over each axis."""
    by_axis: dict[str, list[int]] = {}
    for column in cells.elements():
        by_axis.setdefault(cells.evaluations[column].axis, []).append(column)
    return by_axis


def _general_rows(cells: Cells) -> list[dict]:
    rows = []
    by_axis = _by_axis(cells)
    by_axis.pop(OWN, None)
    for axis, columns in by_axis.items():
        for column in columns:
            evaluation = cells.evaluations[column]
            rows += _drops(cells, [column], Place(axis, evaluation.probe, evaluation.subset))
        rows += _drops(cells, columns, Place(axis))
    general = [c for axis, columns in by_axis.items() if axis not in NOT_GENERAL for c in columns]
    if general:
        rows.append(_computed(cells, REGISTRY["delta_general"], general, Place(GENERAL)))
        rows += _changes_on_the_way(cells, general)
    return rows


def _changes_on_the_way(cells: Cells, columns: list[int]) -> list[dict]:
    """The mean change of the columns from the base to every stage: what was lost may come back."""
    rows = []
    for stage, task in enumerate(cells.history, start=1):
        place = Place(GENERAL, "", "", stage, task)
        absent = [note for column in columns if (note := _missing(cells, column, (0, stage)))]
        if note := cells.worse_if_higher(columns) or "".join(absent[:1]):
            rows.append(metric_row(place, CHANGE_SO_FAR, np.nan, cells, columns, note))
            continue
        function = _change_until(stage)
        value = float(function(cells.values[:, columns]))
        rows.append(metric_row(place, CHANGE_SO_FAR, value, cells, columns, "", function))
    return rows


def _change_until(stage: int) -> Statistic:
    return lambda scores: (scores[..., stage, :] - scores[..., 0, :]).mean(-1)


def _drops(cells: Cells, columns: list[int], place: Place) -> list[dict]:
    chance = cells.chance[columns]
    floor = at_floor(cells.values[0, columns], chance, cells.base_stderr[columns])
    unknown = np.isnan(chance)
    excluded = {
        "at floor": [cells.evaluations[c].name for c in np.array(columns)[floor & ~unknown]],
        "no chance level": [cells.evaluations[c].name for c in np.array(columns)[unknown]],
    }
    note = "; ".join(f"{why}: {', '.join(names)}" for why, names in excluded.items() if names)
    rows = []
    for name in DROPS:
        extra = {}
        if name == "fg_chance":
            extra = {"chance": chance, "floor": (floor | unknown).astype(float)}
        rows.append(_computed(cells, REGISTRY[name], columns, place, note, **extra))
    return rows


def _own_rows(cells: Cells) -> list[dict]:
    """Metrics of the task matrix, then each task before and after its stage and at the end.

    A task that is taught again is measured before its first stage and after its last one.
    """
    columns, schedule = own_schedule(cells)
    if not columns:
        return []
    rows = [
        _computed(cells, entry, columns, Place("own"), schedule=schedule)
        for entry in TASK_METRICS
        if entry.needs in (("R",), ("R", "b"))
    ]
    for column, first, last in zip(columns, schedule.first, schedule.last, strict=True):
        place = Place("own", cells.evaluations[column].probe, stage_task=cells.history[last - 1])
        parts = {
            "own_before": {first - 1: 1},
            "own_after": {last: 1},
            "own_final": {schedule.stages: 1},
            "own_gain": {last: 1, first - 1: -1},
            "own_change": {schedule.stages: 1, last: -1} if last < schedule.stages else {},
        }
        for name, signs in parts.items():
            rows.append(_combined(cells, name, column, signs, place))
    return rows


def _combined(cells: Cells, name: str, column: int, signs: dict, place: Place) -> dict:
    """A sum of cells of one column: {stage: sign}."""
    if not signs:
        note = "the last task has no later stage"
        return metric_row(place, name, np.nan, cells, [column], note)
    if len(signs) > 1 and (downwards := cells.worse_if_higher([column])):
        return metric_row(place, name, np.nan, cells, [column], downwards)
    function = _sum_of(signs)
    value = float(function(cells.values[:, [column]]))
    return metric_row(place, name, value, cells, [column], _missing(cells, column, signs), function)


def _sum_of(signs: dict[int, int]) -> Statistic:
    """The statistic of one column that adds its scores after the stages, with their signs."""
    stages, factors = list(signs), np.array(list(signs.values()), dtype=float)
    return lambda scores: scores[..., stages, 0] @ factors


def _missing(cells: Cells, column: int, stages: Iterable[int]) -> str:
    absent = [stage for stage in stages if np.isnan(cells.values[stage, column])]
    name = cells.evaluations[column].name
    return f"the cell (stage {min(absent)}, {name}) is missing" if absent else ""


def _computed(
    cells: Cells,
    entry: Metric,
    columns: list[int],
    place: Place,
    note: str = "",
    schedule: Schedule | None = None,
    **extra: np.ndarray,
) -> dict:
    """One registered metric of the chosen columns; its baseline `b` is the base's own scores."""
    planned = {} if schedule is None else {"schedule": schedule}

    def function(scores: np.ndarray) -> np.ndarray:
        baseline = {"b": scores[..., 0, :]} if "b" in entry.needs else {}
        return entry.function(scores, **baseline, **planned, **extra)

    values = cells.values[:, columns]
    if downwards := cells.worse_if_higher(columns):
        return metric_row(place, entry.id, np.nan, cells, columns, downwards)
    try:
        names = [cells.evaluations[column].name for column in columns]
        entry.require(values, names, entry.needs[0], schedule)
    except UserError as error:
        return metric_row(place, entry.id, np.nan, cells, columns, str(error))
    value = float(function(values))
    if np.isnan(value) and not note:
        note = _why_undefined(entry, columns)
    return metric_row(place, entry.id, value, cells, columns, note, function)


def _why_undefined(entry: Metric, columns: list[int]) -> str:
    if entry.id.startswith("fg_"):
        return "a base score is 0 or below"
    return "not defined for one task" if len(columns) == 1 else "not defined for this order"
