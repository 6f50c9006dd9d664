"""Marks that several figures draw: points with intervals, curves over stages, panels in a grid."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lethe.figures.appearance import Look, shortened, stage_words, tick_words
from lethe.figures.drawing import draw_interval, draw_missing, limits

BEHIND = "_behind"
"""The label of light lines that give a background and are not told apart, such as single sets."""
CROSS = 0.06
"""Height of the cross of a missing value, as a share of its panel."""
SPREAD = 0.7
"""How much of the place of a name its points take."""
LONGEST = 20
"""Characters of a name below a panel."""
FAR = 25.0
"""Percent that an interval may always reach beyond the values."""
CUT = "bars that leave a panel are in the CSV"
"""What a caption says where `ratio_limits` may cut an interval."""


def shown_panels(grid: np.ndarray, count: int) -> list[Axes]:
    """The first panels of a grid with a common x axis, whose words stand below each column.

    grid: shape (rows, columns); panels beyond `count` are hidden.
    """
    panels, across = list(grid.flat), grid.shape[1]
    for axes in panels[count:]:
        axes.set_visible(False)
    for axes in panels[max(count - across, 0) : len(panels) - across]:
        axes.tick_params(labelbottom=True)
    return panels[:count]


def share_rows(grid: np.ndarray, words: str) -> None:
    """Words and numbers of a common y axis beside the first panel of every row alone."""
    for row in grid:
        row[0].set_ylabel(words)
        for axes in row[1:]:
            axes.tick_params(labelleft=False)


def mark_style(look: Look, fill: str = "full") -> dict:
    """How a marker of a line is drawn, with the fill of its order."""
    face = "white" if fill == "none" else look.colour
    style = {"marker": look.marker, "fillstyle": fill, "mfc": face, "markerfacecoloralt": "white"}
    return style | {"color": look.colour, "mec": look.colour, "ms": 4.5, "mew": 0.9}


def handle(look: Look, words: str, fill: str = "full", stroke=None) -> Line2D:
    """The legend's entry of a line."""
    return Line2D(
        [], [], ls=look.stroke if stroke is None else stroke, label=words, **mark_style(look, fill)
    )


def draw_point(
    axes: Axes, x: float, row: pd.Series | None, look: Look, fill: str = "full", words: bool = True
) -> None:
    """A value with its interval; if it is missing why, or without `words` a cross.

    row: value, low, high and note; None if there is no such row.
    """
    note = "" if row is None else row["note"]
    if row is not None and not np.isnan(row["value"]):
        draw_interval(axes, x, row, look.colour)
        axes.plot([x], [row["value"]], ls="", **mark_style(look, fill))
    elif words:
        draw_missing(axes, x, note, look.colour)
    else:
        _draw_crosses(axes, [x], look.colour)


def draw_groups(
    axes: Axes, series: list[tuple[pd.DataFrame, Look, str]], names: dict[str, str], words: bool
) -> None:
    """Points side by side at every name, one of each series; see `draw_point`.

    series: rows indexed by name, look and fill. names: with what stands below.
    """
    offsets = ((np.arange(len(series)) + 0.5) / len(series) - 0.5) * SPREAD
    for offset, (rows, look, fill) in zip(offsets, series, strict=True):
        for place, name in enumerate(names):
            row = rows.loc[name] if name in rows.index else None
            draw_point(axes, place + offset, row, look, fill, words)
    axes.set_xticks(range(len(names)), [shortened(n, LONGEST) for n in names.values()])
    axes.set_xlim(-0.5, max(len(names), 1) - 0.5)


def draw_curve(
    axes: Axes,
    rows: pd.DataFrame,
    look: Look,
    fill: str = "full",
    stroke=None,
    band: float = 0.15,
    **style,
) -> None:
    """Values over stages with the band of their intervals, and a cross for every missing one.

    rows: stage_index, value, low and high of one line. band: how dense; 0 for none.
    """
    rows = rows.sort_values("stage_index")
    stage, value, low, high = (
        rows[name].to_numpy(dtype=float) for name in ("stage_index", "value", "low", "high")
    )
    if band:
        axes.fill_between(stage, low, high, color=look.colour, alpha=band, lw=0)
    axes.plot(stage, value, ls=stroke or look.stroke, **(mark_style(look, fill) | style))
    _draw_crosses(axes, stage[np.isnan(value)], look.colour)


def band_density(count: int) -> float:
    """How dense bands of intervals are: many are fainter, so that none hides the others."""
    return min(0.15, 0.4 / max(count, 1))


def _draw_crosses(axes: Axes, places, colour: str) -> None:
    if len(places):
        bottom = axes.get_xaxis_transform()
        axes.plot(places, np.full(len(places), CROSS), "x", color=colour, ms=4, transform=bottom)


def name_stages(axes: Axes, rows: pd.DataFrame) -> None:
    """Ticks by what each stage adds. rows: stage_index and stage_task of a line or several."""
    history = dict(rows.sort_values("stage_index")[["stage_index", "stage_task"]].values)
    axes.set_xticks(list(history), [tick_words(stage_words(task)) for task in history.values()])


def ratio_limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits for ratios in percent, with 0: of values, and of intervals that are not far longer.

    A ratio of small numbers has an interval beside which nothing else could be seen.
    """
    low, high = limits(rows["value"], least=1.0, zero=True)
    ends = rows[["low", "high"]].to_numpy(dtype=float).ravel()
    room = max(high - low, FAR)
    return limits([low, high, *np.clip(ends, low - room, high + room)])


def score_limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits for scores and their intervals; those of shares do not leave 0 to 1 by much."""
    values = rows[["value", "low", "high"]].to_numpy(dtype=float).ravel()
    low, high = limits(values, least=0.2)
    inside = np.nanmin(values, initial=0) >= 0 and np.nanmax(values, initial=1) <= 1
    return (max(low, -0.04), min(high, 1.04)) if inside else (low, high)
