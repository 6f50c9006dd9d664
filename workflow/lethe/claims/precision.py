"""How precise a study's comparisons are, and how many units would make them so: no effect is shown.

Units are added until half-widths are as declared, and for no other reason. Who looks at nothing but
this table cannot stop where a verdict happens to please.
"""

import numpy as np
import pandas as pd

from lethe.claims.method_contrasts import main_tasks
from lethe.claims.verdicts import Judged
from lethe.metrics.intervals import t_interval
from lethe.metrics.power import careful_spread, half_width, spread_of, units_for
from lethe.metrics.shown import PLAIN
from lethe.metrics.subjects import DOMAINS, Seeds, Subject
from lethe.tables.writing import Table

CAPTION = (
    "Precision of the comparisons that claims make. spread: standard deviation of the effect over "
    "units; half_width: of its 95 % t-interval over n of them; wanted: the half-width declared "
    "with the claim; n_expected: units with which it is expected, by this spread; n_careful: by "
    "the spread that the true one is below with 80 %. smallest_effect: the margin of the claim; "
    "shown: the smallest effect that n units would show beyond it, 4 times in 5, without its sign. "
    "Effects are left out: only half-widths say when there are units enough."
)
COLUMNS = [
    "claim", "part", "about", "metric", "n", "unit", "spread", "half_width", "wanted", "met",
    "n_expected", "n_careful", "smallest_effect", "shown", "note",
]  # fmt: skip
YES, NO = "yes", "no"
LEARNED, FORGOTTEN = "learned", "forgotten"


def precision_table(judged: list[Judged]) -> Table:
    """A row per comparison that has effects and a verdict, those with a declared width first."""
    rows = [_row(one) for one in judged if one.asked.is_tested and one.cell.effects]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame = frame.astype({"n": "Int64", "n_expected": "Int64", "n_careful": "Int64"})
    frame = frame.sort_values("met", key=lambda met: met == "", kind="stable", ignore_index=True)
    return Table(frame, CAPTION, {"spread": 2, "half_width": 2, "shown": 2})


def _row(one: Judged) -> dict:
    asked, n = one.asked, one.n
    spread, wanted = spread_of(list(one.cell.effects.values())), asked.half_width
    width = half_width(spread, n)
    declared = wanted is not None and not one.cell.bound
    return {
        "claim": asked.claim,
        "part": asked.part,
        "about": one.cell.about,
        "metric": asked.metric,
        "n": n,
        "unit": one.cell.over,
        "spread": spread,
        "half_width": width,
        "wanted": wanted,
        "met": (YES if width <= wanted else NO) if declared else "",
        "n_expected": units_for(spread, wanted) if declared else None,
        "n_careful": units_for(careful_spread(spread, n), wanted) if declared else None,
        "smallest_effect": asked.smallest_effect,
        "shown": abs(one.shown),
        "note": "not testable here" if one.cell.bound else "",
    }


def summary(table: Table) -> str:
    """Whether there are units enough, in one sentence."""
    asked = table.frame[table.frame["met"] != ""]
    if not len(asked):
        return "No comparison has a declared half-width (`half_width` of a claim's part)."
    met = int((asked["met"] == YES).sum())
    if met == len(asked):
        return f"All {met} declared half-widths are met: there are units enough."
    open_ones = asked[asked["met"] == NO]
    text = f"{met} of {len(asked)} declared half-widths are met."
    if open_ones["n_expected"].isna().any():
        return f"{text} Three units or more are needed to tell how many would meet the rest."
    most = open_ones.loc[open_ones["n_expected"].idxmax()]
    careful = open_ones["n_careful"].max()
    return (
        f"{text} All are expected with {most['n_expected']} units ({most['claim']} {most['part']} "
        f"needs most), with {careful} if spreads are at the upper end of what they may be."
    )


def worth_of_cloze(subjects: list[Subject], points: float) -> list[str]:
    """What so many points of cloze are in nats of loss, in plain training; by learning, forgetting.

    The ratio of both changes in every run whose cloze changes by as much, its mean and 95 %
    t-interval over runs. A margin of loss can be argued from it.
    """
    main = main_tasks(subjects)
    plain = [one for one in subjects if (one.method, one.tasks) == (PLAIN, main)]
    said = []
    for subject in (one for one in plain if not one.is_mixed):
        cloze, loss = (_changes(subject, measure) for measure in ("cloze", "loss"))
        for word in LEARNED, FORGOTTEN:
            values = [
                points * loss[word][seeds] / change
                for seeds, change in cloze[word].items()
                if seeds in loss[word] and abs(change) >= points
            ]
            if values:
                low, high = t_interval(values)
                interval = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"
                said.append(
                    f"{subject.model}, {subject.method}: {points:g} points of cloze {word} go with "
                    f"{np.mean(values):.2f} nats of loss{interval} over {len(values)} runs."
                )
    return said


def _changes(subject: Subject, measure: str) -> dict[str, dict[Seeds, float]]:
    """By how much a measure became better on its own domains, and worse later, by run."""
    sign = -1 if measure == "loss" else 1
    own, base = (subject.values(f"{measure}_{part}", DOMAINS) for part in ("own", "base"))
    return {
        LEARNED: {seeds: sign * (own[seeds] - base[seeds]) for seeds in own if seeds in base},
        FORGOTTEN: subject.values(f"{measure}_forgotten", DOMAINS),
    }
