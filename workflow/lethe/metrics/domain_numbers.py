"""Cloze and loss of a study's runs under the names that claims give them.

`cloze_base`, `_own`, `_final`, `_forgotten` and `_chance` in points, `loss_base`, `_own`, `_final`
and `_forgotten` in nats, as `domain_outcomes` defines them; and the chance level of end tasks.
"""

import pandas as pd

from lethe.longtables.axes import DOMAIN, END_TASK
from lethe.longtables.run import RUN_COLUMNS, SEEDS
from lethe.longtables.tables import run_key
from lethe.metrics.domain_outcomes import of_measure, run_outcomes
from lethe.metrics.shown import LINE_COLUMNS

POINTS = 100
# (line, seeds) of a run, and (metric, axis, no set) of a number.
Run = tuple[tuple, tuple]
Place = tuple[str, str, str]


def domain_numbers(scores: pd.DataFrame) -> dict[Run, dict[Place, float]]:
    """The numbers of every run that has cloze, losses or chance levels; without nan."""
    found: dict[Run, dict[Place, float]] = {
        (run.line, run.seeds): {
            (f"{measure}_{part}", DOMAIN, ""): value
            for (measure, part), value in run.values.items()
            if measure != "f1" and not pd.isna(value)
        }
        for run in run_outcomes(scores)
    }
    ends = scores[scores["kind"] == END_TASK]
    for word, axis, rows in (
        ("cloze", DOMAIN, of_measure(scores, "cloze")),
        ("f1", END_TASK, ends[ends["headline"].astype(bool)]),
        ("acc", END_TASK, ends[ends["metric"] == "accuracy"]),
    ):
        for run, chance in _chances(rows).items():
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
    seeds = (None if words[name] is None else int(words[name]) for name in SEEDS)
    return tuple(words[name] for name in LINE_COLUMNS), tuple(seeds)
