"""What claims are about: a model taught a sequence of tasks, with its numbers by seed.

Parts (size, family, tuned, mixed) are found from the tables, never from a model's name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lethe.longtables.axes import CALIBRATION
from lethe.longtables.tables import RUN_COLUMNS, LongTables, history, of_run, run_key
from lethe.metrics.end_tasks import SUMMARIES, percentages
from lethe.metrics.general import FLOOR_STDERRS
from lethe.metrics.shown import CONTROL, LINE_COLUMNS, PLAIN, SEED_UNITS

# (world seed, base seed, train seed); None where there is none.
Seeds = tuple[int | None, int | None, int | None]
# (metric, axis, evaluation set); no set for a number over the axis.
Place = tuple[str, str, str]
POINTS = 100
END_TASKS = "end_task"
# What effects are counted over.
BASES, TRAIN_SEEDS = "bases", "train seeds"


@dataclass(frozen=True)
class Subject:
    """A model in one order: `tasks` are the first tasks of its stages, `extras` what is mixed in.

    line: as `lethe.metrics.shown` has it. numbers: by place and seeds; base_score, final_score,
    own_rise and the summaries of end tasks in points, others in their own unit. floor: by axis,
    the seeds of bases at floor there.
    gaps: by place, which cell is missing where a run has no number.
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
    def is_mixed(self) -> bool:
        return any(self.extras)

    def values(self, metric: str, axis: str, element: str = "") -> dict[Seeds, float]:
        """The number by seeds; bases at floor on the axis are left out."""
        found = self.numbers.get((metric, axis, element), {})
        return {key: value for key, value in found.items() if key not in self.floor.get(axis, ())}

    def elements(self, metric: str, axis: str) -> list[str]:
        """The evaluation sets of an axis that have the metric, as they were taught."""
        return [place[2] for place in self.numbers if place[:2] == (metric, axis) and place[2]]


def study_subjects(tables: LongTables, controls: bool = False) -> list[Subject]:
    """A subject per model, method and order of a study; with the control chains if asked."""
    by_run = _metrics_by_run(tables.metrics)
    end_tasks = sorted(_end_tasks(tables.scores)["probe"].unique())
    found: dict[tuple, Subject] = {}
    listed = tables.scores[RUN_COLUMNS].drop_duplicates()
    for run in [run_key(row) for _, row in listed.iterrows()]:
        words = dict(zip(RUN_COLUMNS, run, strict=True))
        if words["order"].startswith(CONTROL) and not controls:
            continue
        rows = of_run(tables.scores, run)
        line = tuple(words[name] for name in LINE_COLUMNS)
        if line not in found:
            found[line] = _empty(rows.iloc[0], line, history(tables.scores, run))
        subject = found[line]
        seeds = (words["world_seed"], words["base_seed"], words["train_seed"])
        numbers = run_numbers(by_run.get(run)) | end_task_numbers(rows, end_tasks)
        for place, value in numbers.items():
            subject.numbers.setdefault(place, {})[seeds] = value
        subject.gaps.update(run_gaps(by_run.get(run)))
        for axis in axes_at_floor(rows):
            subject.floor.setdefault(axis, set()).add(seeds)
    return list(found.values())


def reference(subjects: Iterable[Subject], mixed: bool = False) -> list[Subject]:
    """The subjects of plain training on the sequence that most models were taught, small first.

    The paper has one order; where a study has several, the first of the most common ones stands
    for it. mixed: with the chains of that sequence that have more mixed in.
    """
    plain = [one for one in subjects if one.method == PLAIN]
    counts = Counter(one.tasks for one in plain if not one.is_mixed)
    if not counts:
        return []
    # Of equal counts, the order that the tables have first.
    tasks = counts.most_common(1)[0][0]
    chosen: dict[tuple, Subject] = {}
    for one in plain:
        if one.tasks == tasks and (mixed or not one.is_mixed):
            chosen.setdefault((one.model, one.extras), one)
    return sorted(chosen.values(), key=lambda one: (one.params or 0, one.model, one.is_mixed))


def run_numbers(metrics: pd.DataFrame | None) -> dict[Place, float]:
    """Every number of one run that a claim may ask for."""
    if metrics is None:
        return {}
    whole = metrics[(metrics["probe"] == "") & metrics["value"].notna()]
    found = {
        (name, axis, ""): float(value)
        for name, axis, value in whole[["metric", "axis", "value"]].itertuples(index=False)
    }
    scored = metrics[metrics["metric"].str.startswith("score_")]
    for axis, rows in scored.groupby("axis"):
        for name, value in _ends(rows).items():
            if not np.isnan(value):
                found[name, axis, ""] = POINTS * value
    return found | _rises(metrics, scored)


def end_task_numbers(rows: pd.DataFrame, names: list[str]) -> dict[Place, float]:
    """One run's SUMMARIES of its end tasks in points, means over end-task seeds; known ones only.

    rows: the run's scores. names: the end tasks of the study, all of which a mean needs.
    """
    known = _end_tasks(rows)
    values = percentages(known, names) if len(known) else {}
    return {
        (name, END_TASKS, ""): values[name]
        for name in SUMMARIES
        if not np.isnan(values.get(name, np.nan))
    }


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
    """Mean over an axis' sets, or over the parts of a set with parts, at first and at last."""
    divided = set(rows.loc[rows["subset"] != "", "probe"])
    elements = rows[(rows["subset"] != "") | ~rows["probe"].isin(divided)]
    stages = {"base_score": 0, "final_score": rows["stage_index"].max()}
    return {
        name: elements.loc[elements["stage_index"] == stage, "value"].mean(skipna=False)
        for name, stage in stages.items()
    }


def _rises(metrics: pd.DataFrame, scored: pd.DataFrame) -> dict[Place, float]:
    """Each own task right after its stage less the base model's score, points."""
    base = scored[(scored["stage_index"] == 0) & (scored["subset"] == "")]
    before = base.drop_duplicates("probe").set_index("probe")["value"]
    after = metrics[(metrics["metric"] == "own_after") & metrics["value"].notna()]
    return {
        ("own_rise", "own", probe): POINTS * (float(value) - float(before[probe]))
        for probe, value in after[["probe", "value"]].itertuples(index=False)
        if probe in before.index and not np.isnan(before[probe])
    }


def axes_at_floor(rows: pd.DataFrame) -> set[str]:
    """Axes whose base score is not above chance by two standard errors, as a mean over sets."""
    base = rows[(rows["stage_index"] == 0) & rows["headline"] & (rows["split"] == "test")]
    base = base[base["chance"].notna() & ~base["axis"].isin([CALIBRATION, "own"])]
    divided = set(base.loc[base["subset"] != "", "probe"])
    elements = base[(base["subset"] != "") | ~base["probe"].isin(divided)]
    found = set()
    for axis, cells in elements.groupby("axis"):
        stderr = float(np.sqrt((cells["stderr"].fillna(0) ** 2).sum())) / len(cells)
        if (cells["value"] - cells["chance"]).mean() <= FLOOR_STDERRS * stderr:
            found.add(str(axis))
    return found


def _metrics_by_run(metrics: pd.DataFrame) -> dict[tuple, pd.DataFrame]:
    single = metrics[~metrics["unit"].isin(SEED_UNITS)]
    groups = single.groupby(RUN_COLUMNS, dropna=False, sort=False)
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
    """What replicates, and one value for each.

    Over several bases the train seeds of each are averaged, also where train seeds are asked for:
    runs from one base are no independent replicates of each other.
    """
    bases: dict[tuple, list[float]] = {}
    for seeds, value in by_seeds.items():
        bases.setdefault(seeds[:2], []).append(value)
    if unit == BASES or len(bases) > 1:
        return BASES, {base: sum(values) / len(values) for base, values in bases.items()}
    return TRAIN_SEEDS, dict(by_seeds)
