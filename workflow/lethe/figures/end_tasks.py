"""End tasks by method: what a domain gave, what is kept after the last, and what was forgotten."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import NO_METHOD, Look, point_looks, shortened
from lethe.figures.drawing import Drawn, draw_interval, empty, legend, limits, new_figure
from lethe.figures.marks import handle, mark_style
from lethe.longtables.tables import LongTables
from lethe.tables.end_tasks import NONE, build

TITLE = "End tasks: learned and kept"
ROW, MARGIN = 0.2, 0.45  # inches
LONGEST = {"column": 20, "text": 34, "page": 40}
"""Characters of a row's name."""


def draw(tables: LongTables, width: str = "text") -> Drawn:
    """A row per line, best at the top: scores on the left, the forgetting rate on the right."""
    frame = build(tables).frame
    if "f1_final" not in frame:
        words = "No end task: name some in `end_tasks`, for encoders or decoders."
        return empty(TITLE, words, width)
    frame = frame.sort_values("f1_final", kind="stable").reset_index(drop=True)
    figure = new_figure(width, MARGIN + ROW * len(frame))
    legend(figure, _handles())
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.4, 1])
    looks = point_looks((row.model, row.method) for row in frame.itertuples())
    for place, row in enumerate(frame.to_dict("records")):
        look = looks[row["model"], row["method"]]
        if row["method"] == NONE:
            look = Look(NO_METHOD, look.marker, look.stroke, look.label)
        _draw_point(left, place, row, "f1_final", look)
        left.plot(row["f1_own"], place, **(mark_style(look, "none") | {"zorder": 2}))
        _draw_point(right, place, row, "f1_fr_ke", look)
    right.axvline(0, color="#BBBBBB", lw=0.8, zorder=0)
    several = frame.loc[frame["order"] != "", "order"].nunique() > 1
    names = [_label(row, several) for row in frame.to_dict("records")]
    left.set_yticks(range(len(frame)), [shortened(name, LONGEST[width]) for name in names])
    left.set_ylim(-0.6, len(frame) - 0.4)
    left.set_xlim(_limits(frame, "f1_own", "f1_final"))
    right.set_xlim(_limits(frame, "f1_fr_ke"))
    for axes, words in ((left, "mean score, %"), (right, "forgetting\nrate, points")):
        axes.set_xlabel(words)
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
    return Drawn(figure, frame, _caption(frame))


def _limits(frame: pd.DataFrame, *names: str) -> tuple[float, float]:
    columns = [name + end for name in names for end in ("", "_low", "_high")]
    values = frame[[name for name in columns if name in frame]].to_numpy(float)
    return limits(values.ravel(), 1.0)


def _draw_point(axes: Axes, place: float, row: dict, name: str, look: Look) -> None:
    if np.isnan(row[name]):
        return
    ends = {"low": row[f"{name}_low"], "high": row[f"{name}_high"]}
    draw_interval(axes, place, ends, look.colour, across=True)
    axes.plot(row[name], place, **mark_style(look))


def _label(row: dict, with_order: bool) -> str:
    method = "before any domain" if row["method"] == NONE else row["method"]
    return f"{method}, {row['order']}" if row["order"] and with_order else method


def _handles() -> list[Line2D]:
    look = Look("#222222", "o", "", "")
    return [
        handle(look, "after the last domain", stroke=""),
        handle(look, "right after its own domain", "none", stroke=""),
    ]


def _caption(frame: pd.DataFrame) -> str:
    over = ", ".join(dict.fromkeys(frame["interval_over"]))
    return (
        f"{TITLE}. Mean over end tasks of their headline metrics, copies of checkpoints being "
        "fine-tuned. Forgetting rate, in points: mean over the domains but the last of own - final "
        f"(fr_ke of Ke et al. 2023). 95 % t-intervals over {over}; none for fewer than three."
    )
