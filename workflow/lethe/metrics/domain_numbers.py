"""Cloze and loss of a study's runs under the names that claims give them.

`cloze_base`, `cloze_own`, `cloze_final`, `cloze_fr_ke` and `cloze_chance` in points; `loss_base`,
`loss_own` and `loss_final` in nats. base: before the first domain; own: each domain right after its
stage; final: after the last stage, all means over domains; fr_ke: mean of own - final over all
domains but the last (positive = forgetting). The rise of loss is `mlm_loss_delta`.
"""

import pandas as pd

from lethe.longtables.axes import DOMAIN, END_TASK
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import run_key
from lethe.metrics.domain_outcomes import outcomes
from lethe.metrics.shown import LINE_COLUMNS

PARTS = {"base": "base", "own": "own", "final": "final", "fr_ke": "forgotten"}
POINTS = 100
SEEDS = ("world_seed", "base_seed", "train_seed")
# (line, seeds) of a run, and (metric, axis, no set) of a number.
Run = tuple[tuple, tuple]
Place = tuple[str, str, str]


def domain_numbers(scores: pd.DataFrame) -> dict[Run, dict[Place, float]]:
    """The numbers of every run that has cloze, losses or a chance level on domains or end tasks."""
    found: dict[Run, dict[Place, float]] = {}
    for outcome in ("cloze", "loss"):
        for name, part in PARTS.items():
            if (outcome, name) == ("loss", "fr_ke"):
                continue
            for one in outcomes(scores, outcome, part):
                place = (f"{outcome}_{name}", DOMAIN, "")
                found.setdefault((one.line, one.seeds), {})[place] = one.value
    for word, axis, rows in (
        ("cloze", DOMAIN, scores[scores["metric"] == "cloze"]),
        ("f1", END_TASK, scores[(scores["kind"] == END_TASK) & scores["headline"]]),
        ("acc", END_TASK, scores[(scores["kind"] == END_TASK) & (scores["metric"] == "accuracy")]),
    ):
        for run, chance in _chances(rows[rows["axis"] == axis]).items():
            found.setdefault(run, {})[f"{word}_chance", axis, ""] = chance
    return found


def _chances(rows: pd.DataFrame) -> dict[Run, float]:
    """By run, the mean chance level of its sets in points; runs with none are left out."""
    tested = rows[(rows["split"] == "test") & rows["chance"].notna()]
    return {
        _run(run.iloc[0]): POINTS * float(run.drop_duplicates("probe")["chance"].mean())
        for _, run in tested.groupby(RUN_COLUMNS, dropna=False, sort=False)
    }


def _run(row: pd.Series) -> Run:
    words = dict(zip(RUN_COLUMNS, run_key(row), strict=True))
    return tuple(words[name] for name in LINE_COLUMNS), tuple(words[name] for name in SEEDS)
