"""What tables of the paper share: R_o, R_-1 and FG of an axis, in percent, with intervals."""

import numpy as np
import pandas as pd

from lethe.longtables.axes import NO_ABILITY, sorted_axes
from lethe.metrics.axis_scores import axis_score, mixed_words
from lethe.metrics.intervals import t_interval
from lethe.metrics.row_intervals import share_range
from lethe.metrics.shown import INTERVAL, SEED_UNITS
from lethe.metrics.subjects import POINTS, TRAIN_SEEDS, Subject, replicates
from lethe.tables.lines import number, of_line, words
from lethe.tables.writing import Table

PERCENT = ("R_o", "R_-1", "FG")
CAPTION_ENDS = (
    "FG: drop relative to the base, mean over stages and sets (fg_luo), %; positive = drop. "
    f"{INTERVAL} For R_o and R_-1 over items it comes from those of the sets; sets that share "
    "clusters of items are taken together."
)


def axes_of(rows: pd.DataFrame) -> list[str]:
    """Axes of general ability in the rows, in their fixed order, without own tasks."""
    return [axis for axis in sorted_axes(rows["axis"]) if axis not in NO_ABILITY]


def ability_scales(rows: pd.DataFrame) -> str:
    """What a caption says of axes of general ability whose sets have several metrics."""
    return mixed_words(rows[~rows["axis"].isin(NO_ABILITY)])


def ends_and_drop(subject: Subject, rows: pd.DataFrame, axis: str, prefix: str = "") -> dict:
    """R_o, R_-1 and FG of a subject on an axis, in %, each with its interval.

    rows: from `shown`, of all lines. Keys are `{prefix}R_o`, `{prefix}R_o_low`, ...
    """
    part = of_line(rows, subject.line)
    part = part[part["axis"] == axis]
    stages = {"R_o": ("base_score", 0), "R_-1": ("final_score", part["stage_index"].max())}
    columns = {}
    for name, (metric, stage) in stages.items():
        values = subject.numbers.get((metric, axis, ""), {})
        scores = list(replicates(values, TRAIN_SEEDS)[1].values())
        ends = mean_and_interval(scores, share_range(scores, POINTS))
        if len(set(scores)) == 1:
            found = axis_score(part, stage)
            ends = (ends[0], POINTS * found["low"], POINTS * found["high"])
        columns |= _named(f"{prefix}{name}", ends)
    over_axis = part[(part["probe"] == "") & (part["metric"] == "fg_luo")]
    return columns | number(over_axis, f"{prefix}FG", "fg_luo")


def mean_and_interval(
    values: list[float], within: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float, float]:
    """Mean over replicates and its 95 % t interval, which needs three; within: its range."""
    if not values:
        return (np.nan,) * 3
    return (float(np.mean(values)), *t_interval(values, within))


def words_of(subject: Subject, rows: pd.DataFrame) -> dict:
    """The columns that name the chain of a row; rows: from `shown`, of all lines."""
    return {
        "model": subject.model,
        "params": subject.params,
        "order": subject.order,
        "method": words(subject.line, rows)["method"],
    }


def behind_drop(subject: Subject, rows: pd.DataFrame, axes: list[str]) -> dict:
    """What the intervals of FG are over, and what is missing or at floor."""
    part = of_line(rows, subject.line)
    over_axis = part[part["axis"].isin(axes) & (part["probe"] == "") & (part["metric"] == "fg_luo")]
    valued = over_axis[over_axis["low"].notna()]
    over = ""
    if len(valued):
        first = valued.iloc[0]
        seeds = first["unit"] in SEED_UNITS
        over = f"{first['n_units']} {first['unit']}" if seeds else "items (1 seed)"
    notes = dict.fromkeys(note for note in over_axis["note"] if note)
    return {"interval_over": over, "note": "; ".join(notes)}


def or_nothing(
    rows: list[dict], caption: str, nothing: str, decimals: dict[str, int] | None = None
) -> Table:
    """The table; if it has no rows, it gets one row that states why."""
    frame = pd.DataFrame(rows or [{"note": nothing}])
    if "params" in frame:
        frame["params"] = frame["params"].astype("Int64")
    return Table(frame, caption, decimals or {})


def _named(name: str, ends: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip([name, f"{name}_low", f"{name}_high"], ends, strict=True))
