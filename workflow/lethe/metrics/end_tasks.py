"""End tasks of one line by unit: what was gained in a domain, what is kept, what was forgotten."""

import numpy as np
import pandas as pd

from lethe.errors import UserError
from lethe.longtables.rows import mixtures
from lethe.longtables.tables import RUN_COLUMNS
from lethe.metrics.intervals import Range
from lethe.metrics.methods import OLD_BASE, OLD_OWN, OWN_BASE, TASK_MEASURES
from lethe.metrics.registry import REGISTRY
from lethe.metrics.row_intervals import range_of_shares
from lethe.metrics.schedule import Schedule

RUN = ["world_seed", "base_seed", "train_seed"]
ALONE = "each alone"
PARTS = ("own", "final", "fr_ke")
# Names of the summaries: `f1` uses the headline metrics, like MF1 in Ke et al. 2023.
SUMMARIES = tuple(f"{word}_{part}" for word in ("f1", "acc") for part in PARTS)
# What a method is held against to tell whether it learned anything.
UNTRAINED = ("f1_base", "acc_base")
# Every run from a base repeats the base's scores; these columns identify a score.
ONCE = ["node", "probe", "metric", "end_task_seed"]


def by_unit(rows: pd.DataFrame) -> tuple[str, dict[tuple, pd.DataFrame]]:
    """The unit of replication in one line, and the rows of each unit.

    The unit is the run if there are several: end-task seeds of one run share a checkpoint and show
    nothing about other runs. With a single run, it is the end-task seed.

    Returns:
        `runs` or `end-task seeds`, and rows by (world, base and train seed), or (end-task seed,).
    """
    if rows[RUN].drop_duplicates().shape[0] > 1:
        # dropna=False: a fetched model has no world seed and no base seed.
        groups = rows.groupby(RUN, dropna=False, sort=True)
        return "runs", {tuple(map(_plain, key)): part for key, part in groups}
    groups = rows.groupby(["end_task_seed"], sort=True)
    return "end-task seeds", {tuple(map(_plain, key)): part for key, part in groups}


def _plain(value) -> int | None:
    return None if pd.isna(value) else int(value)


def alone_together(scores: pd.DataFrame) -> pd.DataFrame:
    """Join orders of one domain each to one order, `each alone`.

    There every end task is scored on its own domain's model: the row "one domain alone" of Ke et
    al. 2023. Other orders are unchanged, and so is a domain that is the only one trained alone.
    """
    if not len(scores):
        return scores
    domain = _only_domain(scores)
    trained = domain[scores["stage_index"] == 1]
    if trained[trained != ""].nunique() < 2:
        return scores
    together = "&".join(dict.fromkeys(trained[trained != ""]))
    alone = domain != ""
    # Keep of each model only the end task of its domain.
    kept = scores[~alone | (scores["subset"] == domain)].copy()
    of_one = alone[kept.index]
    kept.loc[of_one, "order"] = ALONE
    kept.loc[of_one & (kept["stage_index"] == 1), "stage_task"] = together
    return kept


def _only_domain(scores: pd.DataFrame) -> pd.Series:
    """By row: the domain if its run has one stage with one domain; empty for other runs."""
    runs = scores.groupby(RUN_COLUMNS, dropna=False)
    single = runs["stage_index"].transform("max") == 1
    last = scores["stage_task"].where(scores["stage_index"] == 1, "")
    named = last.groupby([scores[column] for column in RUN_COLUMNS], dropna=False).transform("max")
    return named.where(single & ~named.str.contains("&"), "").str.partition(":")[0]


def stages_of(rows: pd.DataFrame) -> dict[str, int]:
    """The first stage that trains on each domain, from the mixtures of a run's rows."""
    distinct = rows[["stage_index", "stage_task"]].drop_duplicates().sort_values("stage_index")
    first_stages: dict[str, int] = {}
    for stage, mixture in distinct.itertuples(index=False, name=None):
        for part in mixture.split("&") if mixture else []:
            first_stages.setdefault(part.partition(":")[0], int(stage))
    return first_stages


def summary(rows: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """{base, own, final, fr_ke} of one unit's scores, one metric per end task, as fractions.

    base: mean over end tasks before the first stage; own: each right after the stage of its
    domain; final: after the last stage; fr_ke: mean of own - final over all domains but the last
    (Ke et al. 2023; positive = forgetting). Cells are first averaged over end-task seeds. nan if a
    needed cell is missing, and for the scores of a base alone, which has neither own stages nor
    forgetting.
    """
    cells = rows.groupby(["probe", "stage_index"])["value"].mean()
    domain = dict(rows[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    stages, last = stages_of(rows), rows["stage_index"].max()
    place = [stages.get(domain[name]) if name in domain else None for name in names]
    base = np.array([cells.get((name, 0), np.nan) for name in names], dtype=float)
    final = np.array([cells.get((name, last), np.nan) for name in names], dtype=float)
    own = np.array(
        [
            np.nan if stage is None else cells.get((name, stage), np.nan)
            for name, stage in zip(names, place, strict=True)
        ],
        dtype=float,
    )
    earlier = np.array([stage is not None and stage < last for stage in place], dtype=bool)
    change = (own - final)[earlier]
    return {
        "base": float(np.mean(base)) if names else np.nan,
        "own": float(np.mean(own)) if names else np.nan,
        "final": float(np.mean(final)) if names else np.nan,
        "fr_ke": float(np.mean(change)) if len(change) else np.nan,
    }


def percentages(rows: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """{end task: final headline score}, SUMMARIES and UNTRAINED of one unit, in %.

    rows: one unit's rows of all metrics; fr_ke is in points. Missing numbers are absent or nan.
    """
    headline = rows[rows["headline"].astype(bool)]
    last = headline[headline["stage_index"] == rows["stage_index"].max()]
    values = last.groupby("probe")["value"].mean().to_dict()
    accuracy = rows[rows["metric"] == "accuracy"]
    for word, chosen in (("f1", headline), ("acc", accuracy)):
        values |= {f"{word}_{part}": one for part, one in summary(chosen, names).items()}
    return {name: 100 * float(value) for name, value in values.items()}


def range_of(name: str) -> Range:
    """The least and the greatest value of a number of `percentages` or `task_metrics`, in %."""
    part = name if name in REGISTRY else name.partition("_")[2]
    # What is no metric of a matrix is a score, of an end task or a mean over them.
    low, high = range_of_shares(part) if part in REGISTRY else (0.0, 1.0)
    return 100 * low, 100 * high


def task_metrics(rows: pd.DataFrame, names: list[str]) -> tuple[dict[str, float], dict[str, str]]:
    """TASK_MEASURES and bases of one unit's matrix of end tasks in points, and why one is nan.

    rows: one unit's rows of all metrics, of which the headline ones count; end-task seeds are
    averaged. As everywhere, metrics are over the end tasks whose domains a stage taught.
    """
    rows = rows[rows["headline"].astype(bool)]
    cells = rows.groupby(["stage_index", "probe"])["value"].mean().unstack()
    last = int(rows["stage_index"].max())
    matrix = cells.reindex(index=range(last + 1), columns=names).to_numpy(dtype=float)
    schedule = _schedule(rows, names, last)
    taught = schedule.columns
    if not len(taught):
        return {}, {}
    values, reasons = {OWN_BASE: float(100 * matrix[0, taught].mean())}, {}
    is_old = schedule.last < schedule.stages
    if is_old.any():
        old = taught[is_old]
        values[OLD_BASE] = float(100 * matrix[0, old].mean())
        values[OLD_OWN] = float(100 * matrix[schedule.last[is_old], old].mean())
    for name in TASK_MEASURES:
        entry = REGISTRY[name]
        try:
            entry.require(matrix, names, "R", schedule)
        except UserError as error:
            values[name], reasons[name] = np.nan, str(error).partition(": ")[2]
            continue
        baseline = {"b": matrix[0]} if "b" in entry.needs else {}
        values[name] = float(100 * entry.function(matrix, **baseline, schedule=schedule))
        if np.isnan(values[name]):
            reasons[name] = "needs a second stage"
    return values, reasons


def _schedule(rows: pd.DataFrame, names: list[str], last: int) -> Schedule:
    """Which end tasks the stages taught, by the domains of their mixtures."""
    domain = dict(rows[["probe", "subset"]].drop_duplicates().itertuples(index=False, name=None))
    mixture = dict(rows[["stage_index", "stage_task"]].itertuples(index=False, name=None))
    taught = []
    for stage in range(1, last + 1):
        last_one = mixtures(mixture.get(stage, ""))[-1]
        parts = {part.partition(":")[0] for part in last_one.split("&")}
        taught.append(tuple(c for c, name in enumerate(names) if domain.get(name) in parts))
    return Schedule(tuple(taught))
