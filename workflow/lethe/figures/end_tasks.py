"""End tasks by method: what a domain gave, what is kept after the last, and what was forgotten."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from lethe.figures.appearance import OTHER_METHOD, method_colour
from lethe.figures.drawing import Drawn, Page, empty
from lethe.longtables.tables import LongTables
from lethe.tables.end_tasks import NONE, build

TITLE = "End tasks: learned and kept"
ROW = 0.24  # inches


def draw(tables: LongTables) -> Drawn:
    """A row per line, best at the top: scores on the left, the forgetting rate on the right."""
    frame = build(tables).frame
    if "f1_final" not in frame:
        return empty(TITLE, "No end task: name some in `end_tasks`, for masked language models.")
    frame = frame.sort_values("f1_final", kind="stable").reset_index(drop=True)
    height = ROW * len(frame)
    page = Page(7.2, height + 1.5, _caption(frame))
    page.text(0.2, 0.1, TITLE, fontsize=11, weight="bold")
    page.legend(_handles(), 0.2, 0.4)
    left = page.axes(2.35, 0.75, 2.6, height)
    right = page.axes(5.1, 0.75, 1.9, height)
    places = np.arange(len(frame))
    colours = [method_colour(method) for method in frame["method"]]
    for place, colour, row in zip(places, colours, frame.to_dict("records"), strict=True):
        _with_interval(left, place, row, "f1_final", colour, colour)
        left.plot(row["f1_own"], place, "o", mfc="white", mec=colour, ms=5, zorder=2)
        _with_interval(right, place, row, "f1_fr_ke", colour, colour)
    right.axvline(0, color="#BBBBBB", lw=0.8, zorder=0)
    several = frame.loc[frame["order"] != "", "order"].nunique() > 1
    labels = [_label(row, several) for row in frame.to_dict("records")]
    left.set_yticks(places, labels, fontsize=7)
    right.set_yticks(places, [])
    for axes, words in ((left, "mean score, %"), (right, "forgetting rate, points")):
        axes.set_xlabel(words, fontsize=8)
        axes.set_ylim(-0.6, len(frame) - 0.4)
        axes.grid(axis="x", lw=0.4, color="#DDDDDD")
    return Drawn(page.figure, frame)


def _with_interval(axes, place: float, row: dict, name: str, colour: str, face: str) -> None:
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if np.isnan(value):
        return
    if not np.isnan(low):
        axes.plot([low, high], [place, place], color=colour, lw=1.2, zorder=1)
    axes.plot(value, place, "o", mfc=face, mec=colour, ms=5, zorder=3)


def _label(row: dict, with_order: bool) -> str:
    method = "before any domain" if row["method"] == NONE else row["method"]
    return f"{method}, {row['order']}" if row["order"] and with_order else method


def _handles() -> list[Line2D]:
    shared = {"ls": "", "marker": "o", "mec": OTHER_METHOD, "ms": 5}
    return [
        Line2D([], [], mfc=OTHER_METHOD, label="after the last domain", **shared),
        Line2D([], [], mfc="white", label="right after the own domain", **shared),
    ]


def _caption(frame: pd.DataFrame) -> str:
    over = ", ".join(dict.fromkeys(frame["interval_over"]))
    return (
        "Mean over end tasks of their headline metrics, copies of checkpoints being fine-tuned. "
        "Forgetting rate: mean over the domains but the last of own - final (fr_ke of Ke et al. "
        f"2023). 95 % t-intervals over {over}; none for fewer than three."
    )
