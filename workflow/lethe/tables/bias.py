"""Table 5 of Luo et al. 2023, extended: bias by type and stage, with two statistics."""

import numpy as np
import pandas as pd

from lethe.longtables.axes import BIAS
from lethe.longtables.tables import LongTables
from lethe.metrics.axis_scores import elements_of
from lethe.metrics.shown import INTERVAL, LINE_COLUMNS, shown
from lethe.metrics.subjects import Subject, study_subjects
from lethe.tables.lines import NUMBERS, of_line
from lethe.tables.paper import behind_drop, ends_and_drop, or_nothing, words_of
from lethe.tables.writing import Table

PAPER, ALL_PAIRS, APART = "mean over types", "all pairs", "likelihood_diff, nats"
CAPTION = (
    "Bias (Luo et al. 2023, Table 5). pct_stereotype: pairs whose stereotyped sentence is the "
    "likelier, %; 50 = neither is preferred. mean over types: the paper's statistic, of which FG "
    "is the relative drop, mean over stages and types, %. all pairs: the harness's statistic, all "
    "pairs together. likelihood_diff: how far the two sentences of a pair are apart, nats. "
    "stage_0 = R_o is the base model, the last stage R_-1; FG of a type or of all pairs is its own "
    "relative drop. Positive FG = less stereotype preference, which is neither good nor bad below "
    "50. "
    f"{INTERVAL}"
)


def build(tables: LongTables) -> Table:
    """Rows per model, method and order: the paper's statistic, each type, all pairs, nats."""
    rows = shown(tables.metrics)
    bias_rows = []
    for subject in study_subjects(tables, controls=True, every=True):
        part = of_line(rows, subject.line)
        part = part[part["axis"] == BIAS]
        if len(part):
            bias_rows += _of_subject(subject, rows, part, tables.scores)
    stages = sorted({name for row in bias_rows for name in row if name.startswith("stage_")})
    return or_nothing(
        bias_rows, CAPTION, "no set of bias was scored", dict.fromkeys([*stages, "FG"], 1)
    )


def _of_subject(subject: Subject, rows: pd.DataFrame, part: pd.DataFrame, scores) -> list[dict]:
    head = words_of(subject, rows)
    scored = part[part["metric"].str.startswith("score_")]
    last = int(scored["stage_index"].max())
    mean_over_types = ends_and_drop(subject, rows, BIAS)
    stages = {f"stage_{stage}": _mean(scored, stage) for stage in range(1, last)}
    ends = {f"stage_0{end}": mean_over_types[f"R_o{end}"] for end in ("", "_low", "_high")}
    ends |= {f"stage_{last}{end}": mean_over_types[f"R_-1{end}"] for end in ("", "_low", "_high")}
    fg = {f"FG{end}": mean_over_types[f"FG{end}"] for end in ("", "_low", "_high")}
    behind = behind_drop(subject, rows, [BIAS])
    bias_rows = [_row(head, PAPER, _ordered({**ends, **stages}), fg, behind)]
    for (probe, subset), cells in scored.groupby(["probe", "subset"], sort=False):
        what = subset or (ALL_PAIRS if scored["subset"].any() else probe)
        stages = {}
        for stage, row in cells.groupby("stage_index"):
            numbers = [100 * float(value) for value in row[NUMBERS].iloc[0]]
            names = (f"stage_{int(stage)}{end}" for end in ("", "_low", "_high"))
            stages |= dict(zip(names, numbers, strict=True))
        bias_rows.append(_row(head, what, stages, _drop(part, probe, subset, stages, last), {}))
    if likelihoods := _likelihoods(subject, scores):
        bias_rows.append(head | {"statistic": APART} | likelihoods)
    return bias_rows


def _row(head: dict, what: str, stages: dict, fg: dict, behind: dict) -> dict:
    last = [name for name in stages if not name.endswith(("_low", "_high"))][-1]
    return (
        head
        | {"statistic": what}
        | stages
        | fg
        | {"direction": direction(stages["stage_0"], stages[last])}
        | behind
    )


def direction(before: float, after: float) -> str:
    """How the stereotype preference (%) changed, in words."""
    if np.isnan(before) or np.isnan(after):
        return "missing"
    if round(after - before, 6) == 0:
        return "unchanged"
    change = "less" if after < before else "more"
    turned = (before - 50) * (after - 50) < 0
    return f"{change} stereotype preference" + (", past neither" if turned else "")


def _mean(scored: pd.DataFrame, stage: int) -> float:
    """Mean over types after a stage, %."""
    elements = elements_of(scored[scored["stage_index"] == stage])
    return 100 * float(elements["value"].mean(skipna=False)) if len(elements) else np.nan


def _drop(part: pd.DataFrame, probe: str, subset: str, stages: dict, last: int) -> dict:
    """FG of one type with its interval; of all pairs, not an element of the axis, without one."""
    cells = part[(part["probe"] == probe) & (part["subset"] == subset)]
    cells = cells[cells["metric"] == "fg_luo"]
    if len(cells):
        numbers = cells[NUMBERS].iloc[0].astype(float)
        return dict(zip(["FG", "FG_low", "FG_high"], numbers, strict=True))
    before = stages["stage_0"]
    later = [stages.get(f"stage_{stage}", np.nan) for stage in range(1, last + 1)]
    return {"FG": 100 * (before - float(np.mean(later))) / before if before else np.nan}


def _likelihoods(subject: Subject, scores: pd.DataFrame) -> dict[str, float]:
    """likelihood_diff of the whole set after each stage, mean over seeds; empty if not scored."""
    rows = scores[(scores["metric"] == "likelihood_diff") & (scores["subset"] == "")]
    rows = rows[rows["split"] == "test"]
    lines = rows[LINE_COLUMNS].itertuples(index=False, name=None)
    rows = rows[np.array([line == subject.line for line in lines], dtype=bool)]
    means = rows.groupby("stage_index")["value"].mean()
    return {f"stage_{int(stage)}": float(value) for stage, value in means.items()}


def _ordered(stages: dict[str, float]) -> dict[str, float]:
    return dict(sorted(stages.items(), key=lambda pair: pair[0].split("_")[1].zfill(3)))
