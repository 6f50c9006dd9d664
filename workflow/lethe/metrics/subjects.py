"""The subjects of claims: a model trained on a sequence of tasks, with its numbers by seed.

Its properties (size, family, tuned, mixed) come from the tables, never from a model's name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lethe.longtables.axes import CALIBRATION, DOMAIN, OWN
from lethe.longtables.metric_ids import DOMAIN_SUMMARIES
from lethe.longtables.tables import RUN_COLUMNS, LongTables, history, once, run_key
from lethe.metrics.axis_scores import elements_of, scores_of_sets, units_behind
from lethe.metrics.domain_numbers import domain_numbers
from lethe.metrics.end_tasks import SUMMARIES, UNTRAINED, percentages
from lethe.metrics.general import FLOOR_STDERRS
from lethe.metrics.learning_points import FULL
from lethe.metrics.masked_loss import mean_rise, test_losses
from lethe.metrics.shown import CONTROL, HOW, LINE_COLUMNS, PLAIN, SEED_UNITS

# (world seed, base seed, train seed); None for a seed that does not exist.
Seeds = tuple[int | None, int | None, int | None]
# (metric, axis, evaluation set); no set for a number over the axis.
Place = tuple[str, str, str]
POINTS = 100
END_TASKS = "end_task"
LOSS, DOMAINS = "mlm_loss_delta", DOMAIN
# What is read of the table of metrics, whose other columns would only be copied.
OF_METRICS = [*RUN_COLUMNS, "stage_index", "probe", "subset", "axis", "metric", "value", "note"]
OF_METRICS += ["n", "n_units"]
# The units that effects are counted over.
BASES, TRAIN_SEEDS = "bases", "train seeds"


@dataclass(frozen=True)
class Subject:
    """A model in one order: `tasks` are the first tasks of its stages, `extras` what is mixed in.

    line: as in `lethe.metrics.shown`. numbers: by place and seeds; base_score, final_score,
    own_rise, the summaries of end tasks and cloze in points, others in their own unit (%, nats).
    floor: by axis, the seeds of bases at floor there.
    gaps: by place, which cell is missing if a run has no number.
    """

    model: str
    params: float | None
    family: str
    series: str
    untuned: str
    method: str = PLAIN
    order: str = ""
    line: tuple = ()
    tasks: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    numbers: dict[Place, dict[Seeds, float]] = field(default_factory=dict)
    floor: dict[str, set[Seeds]] = field(default_factory=dict)
    gaps: dict[Place, str] = field(default_factory=dict)

    @property
    def recipe(self) -> str:
        """The optimisation settings by name; empty for published numbers."""
        return self.line[LINE_COLUMNS.index("recipe")] if self.line else ""

    @property
    def is_mixed(self) -> bool:
        return any(self.extras)

    def values(self, metric: str, axis: str, element: str = "") -> dict[Seeds, float]:
        """The number by seeds; bases at floor on the axis are left out."""
        by_seeds = self.numbers.get((metric, axis, element), {})
        return {
            key: value for key, value in by_seeds.items() if key not in self.floor.get(axis, ())
        }

    def elements(self, metric: str, axis: str) -> list[str]:
        """The evaluation sets of an axis that have the metric, in the order of training."""
        return [place[2] for place in self.numbers if place[:2] == (metric, axis) and place[2]]


def study_subjects(
    tables: LongTables, controls: bool = False, every: bool = False
) -> list[Subject]:
    """A subject per model, method and order of a study, with the control chains if `controls`.

    every: also those of which not all weights are trained; published claims are about the others.
    """
    return [
        subject
        for subject in _every_subject(tables)
        if (controls or not subject.order.startswith(CONTROL))
        and (every or subject.line[HOW] == FULL)
    ]


@once
def _every_subject(tables: LongTables) -> list[Subject]:
    by_run = _by_run(tables.metrics.loc[~tables.metrics["unit"].isin(SEED_UNITS), OF_METRICS])
    end_tasks = sorted(_end_tasks(tables.scores)["probe"].unique())
    of_domains = domain_numbers(tables.scores)
    subjects: dict[tuple, Subject] = {}
    for run, rows in _by_run(tables.scores).items():
        words = dict(zip(RUN_COLUMNS, run, strict=True))
        line = tuple(words[name] for name in LINE_COLUMNS)
        if line not in subjects:
            subjects[line] = _empty(rows.iloc[0], line, history(tables.scores, run))
        subject = subjects[line]
        seeds = (words["world_seed"], words["base_seed"], words["train_seed"])
        numbers = run_numbers(by_run.get(run)) | end_task_numbers(rows, end_tasks)
        numbers |= masked_loss_numbers(rows) | of_domains.get((line, seeds), {})
        for place, value in numbers.items():
            subject.numbers.setdefault(place, {})[seeds] = value
        subject.gaps.update(run_gaps(by_run.get(run)))
        for axis in axes_at_floor(rows, by_run.get(run)):
            subject.floor.setdefault(axis, set()).add(seeds)
    return list(subjects.values())


def reference(subjects: Iterable[Subject], mixed: bool = False) -> list[Subject]:
    """The subjects of plain training on the sequence that most models were taught, small first.

    The paper has one order; if a study has several, the first of the most common ones represents
    it. mixed: include the chains of that sequence that have more mixed in.
    """
    plain = [subject for subject in subjects if subject.method == PLAIN]
    counts = Counter(subject.tasks for subject in plain if not subject.is_mixed)
    if not counts:
        return []
    # Of equally common orders, the first in the tables.
    tasks = counts.most_common(1)[0][0]
    chosen: dict[tuple, Subject] = {}
    for subject in plain:
        if subject.tasks == tasks and (mixed or not subject.is_mixed):
            chosen.setdefault((subject.model, subject.extras), subject)
    return sorted(
        chosen.values(), key=lambda subject: (subject.params or 0, subject.model, subject.is_mixed)
    )


def run_numbers(metrics: pd.DataFrame | None) -> dict[Place, float]:
    """Every number of one run that a claim may ask for."""
    if metrics is None:
        return {}
    over_axis = metrics[(metrics["probe"] == "") & metrics["stage_index"].isna()]
    over_axis = over_axis[over_axis["value"].notna()]
    # These are read from the scores, in points.
    over_axis = over_axis[~over_axis["metric"].isin(DOMAIN_SUMMARIES)]
    numbers = {
        (name, axis, ""): float(value)
        for name, axis, value in over_axis[["metric", "axis", "value"]].itertuples(index=False)
    }
    scored = metrics[metrics["metric"].str.startswith("score_")]
    for axis, rows in scored.groupby("axis"):
        for name, value in _ends(rows).items():
            if not np.isnan(value):
                numbers[name, axis, ""] = POINTS * value
    return numbers | _rises(metrics, scored)


def end_task_numbers(rows: pd.DataFrame, names: list[str]) -> dict[Place, float]:
    """One run's SUMMARIES and UNTRAINED in points, means over end-task seeds, without nan.

    rows: the run's scores. names: the end tasks of the study; a mean needs all of them.
    """
    scored = _end_tasks(rows)
    values = percentages(scored, names) if len(scored) else {}
    return {
        (name, END_TASKS, ""): values[name]
        for name in (*SUMMARIES, *UNTRAINED)
        if not np.isnan(values.get(name, np.nan))
    }


def masked_loss_numbers(rows: pd.DataFrame) -> dict[Place, float]:
    """One run's mean rise of masked-LM loss over its domains but the last, in nats."""
    rise = mean_rise(test_losses(rows))
    return {} if np.isnan(rise) else {(LOSS, DOMAINS, ""): rise}


def run_gaps(metrics: pd.DataFrame | None) -> dict[Place, str]:
    """Why a run has no value of a metric over an axis: the note of the metrics table."""
    if metrics is None:
        return {}
    empty = metrics[(metrics["probe"] == "") & metrics["value"].isna() & (metrics["note"] != "")]
    return {
        (name, axis, ""): note
        for name, axis, note in empty[["metric", "axis", "note"]].itertuples(index=False)
    }


def _end_tasks(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[(scores["kind"] == END_TASKS) & (scores["split"] == "test")]


def _ends(rows: pd.DataFrame) -> dict[str, float]:
    """Mean over an axis' sets, or the parts of a set with parts, at the base and at the end."""
    elements = elements_of(rows)
    stages = {"base_score": 0, "final_score": rows["stage_index"].max()}
    return {
        name: elements.loc[elements["stage_index"] == stage, "value"].mean(skipna=False)
        for name, stage in stages.items()
    }


def _rises(metrics: pd.DataFrame, scored: pd.DataFrame) -> dict[Place, float]:
    """Each own task right after its stage minus the base model's score, in points."""
    base = scored[(scored["stage_index"] == 0) & (scored["subset"] == "")]
    before = base.drop_duplicates("probe").set_index("probe")["value"]
    after = metrics[(metrics["metric"] == "own_after") & metrics["value"].notna()]
    return {
        ("own_rise", "own", probe): POINTS * (float(value) - float(before[probe]))
        for probe, value in after[["probe", "value"]].itertuples(index=False)
        if probe in before.index and not np.isnan(before[probe])
    }


def axes_at_floor(rows: pd.DataFrame, metrics: pd.DataFrame | None = None) -> set[str]:
    """Axes whose base score is not above chance by two standard errors, as a mean over sets.

    Not what stages teach: own tasks and domains, where every base is to be at chance. Errors of
    sets that share clusters are taken to go all the same way.

    Args:
        rows: of one run, in the table of scores; metrics: of the same, in that of metrics.
    """
    base = rows[(rows["stage_index"] == 0) & rows["headline"] & (rows["split"] == "test")]
    taught = [CALIBRATION, OWN, DOMAIN, END_TASKS]
    base = base[base["chance"].notna() & ~base["axis"].isin(taught)]
    axes = set()
    for axis, cells in elements_of(base).groupby("axis"):
        errors = cells["stderr"].fillna(0).to_numpy()
        stderr = float(np.sqrt((errors**2).sum())) / len(cells)
        if metrics is not None and _share_clusters(metrics[metrics["axis"] == axis]):
            stderr = float(errors.mean())
        if (cells["value"] - cells["chance"]).mean() <= FLOOR_STDERRS * stderr:
            axes.add(str(axis))
    return axes


def _share_clusters(metrics: pd.DataFrame) -> bool:
    """Whether sets of an axis share clusters; rows of one run and axis."""
    base = scores_of_sets(metrics[metrics["stage_index"] == 0])
    return units_behind(base, metrics) < base["n_units"].sum()


def _by_run(frame: pd.DataFrame) -> dict[tuple, pd.DataFrame]:
    groups = frame.groupby(RUN_COLUMNS, dropna=False, sort=False)
    return {run_key(rows.iloc[0]): rows for _, rows in groups}


def _empty(row: pd.Series, line: tuple, stages: list[str]) -> Subject:
    parts = [stage.split("&") for stage in stages]
    return Subject(
        model=row["model"],
        params=None if pd.isna(row["params"]) else float(row["params"]),
        family=row["family"],
        series=row["series"],
        untuned=row["untuned"],
        method=row["method"],
        order=row["order"],
        line=line,
        tasks=tuple(first.partition(":")[0] for first, *_ in parts),
        extras=tuple("&".join(rest) for _, *rest in parts),
    )


def replicates(by_seeds: Mapping[Seeds, float], unit: str) -> tuple[str, dict[tuple, float]]:
    """The unit of replication, and one value per unit.

    With several bases, the train seeds of each base are averaged even if `unit` is train seeds:
    runs from the same base are not independent replicates.
    """
    bases: dict[tuple, list[float]] = {}
    for seeds, value in by_seeds.items():
        bases.setdefault(seeds[:2], []).append(value)
    if unit == BASES or len(bases) > 1:
        return BASES, {base: sum(values) / len(values) for base, values in bases.items()}
    return TRAIN_SEEDS, dict(by_seeds)
