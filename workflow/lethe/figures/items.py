"""Items lost and regained after every stage, beside those that change without forgetting."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from lethe.figures.appearance import CONTROL_COLOUR, Look, looks
from lethe.figures.drawing import (
    SMALL,
    Drawn,
    empty,
    legend,
    limits,
    lower_first,
    new_figure,
)
from lethe.figures.evolution import place_panels
from lethe.figures.marks import draw_curve, name_stages
from lethe.longtables.axes import OWN, sorted_axes
from lethe.longtables.change_columns import BASE, OWN_STAGE
from lethe.longtables.tables import LongTables
from lethe.metrics.noise_floor import of_control, of_seeds
from lethe.metrics.shown import (
    CONTROL,
    LINE_COLUMNS,
    Line,
    interval_words,
    lines,
    order_of,
    orders,
    shown,
)

TITLE = "Items lost and regained after every stage"
SIGNS = {"lost": 1, "regained": -1}
"""Lost above the line, regained below it."""
KEPT = [*LINE_COLUMNS, "params", "stage_index", "stage_task", "axis", "n", "n_units", "unit"]
ROW = 1.25  # inches
MARGIN = 0.75
ROOM = 0.1
"""Of a panel's height, above and below, for the words there."""
BAND, MANY = 0.15, 8
"""How dense bands of intervals are; with more lines there are none."""
FLOOR = {"facecolor": "#BBBBBB55", "edgecolor": CONTROL_COLOUR, "lw": 0.8}
THINNER = {"lw": 1.0, "ms": 2.6}
SEEDS = {"color": "#222222", "ls": ":", "lw": 1.0}
NONE = "No set of this study is answered right or wrong, or its items were not kept."


@dataclass(frozen=True)
class Shown:
    """Rows of KEPT, measure, value, low, high (%) and line: of the lines, and the noise floors.

    with_gaps: whether means over fewer sets than after other stages are left out.
    """

    rows: pd.DataFrame
    control: pd.DataFrame
    seeds: pd.DataFrame
    with_gaps: bool = False

    def of(self, axis: str, order: str) -> "Shown":
        """The part of one panel."""
        parts = (self.rows, self.control, self.seeds)
        return Shown(*(p[(p["axis"] == axis) & (p["order"] == order)] for p in parts))


def draw(tables: LongTables, width: str = "page") -> Drawn:
    """A panel per axis and order; lost upwards, regained downwards."""
    found = _shown(tables)
    if not len(found.rows):
        return empty(TITLE, NONE, width)
    axes_names = sorted_axes(found.rows["axis"])
    cells, left_out = place_panels(axes_names, orders(found.rows), width)
    down, across = (max(place) + 1 for place in zip(*cells, strict=True))
    figure = new_figure(width, MARGIN + down * ROW)
    seen = looks(tables.metrics)
    legend(figure, _handles(found, seen))
    panels = figure.subplots(down, across, squeeze=False, sharey=True)
    several, with_bands = found.rows["order"].nunique() > 1, len(lines(found.rows)) <= MANY
    ends = _ends(found, ["value", "low", "high"] if with_bands else ["value"])
    for axes in panels.flat:
        axes.set_visible(False)
    for (row, column), (axis, order) in cells.items():
        axes, part = panels[row, column], found.of(axis, order)
        axes.set_visible(True)
        _draw_panel(axes, part, seen, with_bands)
        axes.set_ylim(ends)
        name_stages(axes, found.rows[found.rows["order"] == order])
        is_last = (row + 1, column) not in cells or cells[row + 1, column][1] != order
        axes.tick_params(labelbottom=is_last or not several)
        _name_panel(axes, axis, order if several else "", column, axis == axes_names[0])
    plotted = pd.concat([found.rows.assign(shown="line"), found.control.assign(shown="control"),
                         found.seeds.assign(shown="seeds")]).drop(columns=["line"])  # fmt: skip
    plotted = plotted.sort_values(["order", "axis", "model", "method"], kind="stable")
    return Drawn(figure, plotted, _caption(found, left_out))


def _ends(found: Shown, drawn: list[str]) -> tuple[float, float]:
    """Limits of all panels: for what is drawn of the lines, for both floors, and for the words."""
    of_lines = found.rows[drawn].to_numpy(float).ravel()
    low, high = limits([*of_lines, *found.control["value"], *found.seeds["value"]], 10, zero=True)
    return low - ROOM * (high - low), high + ROOM * (high - low)


def _shown(tables: LongTables) -> Shown:
    changes = tables.changes[tables.changes["probe"] == ""]
    wanted = np.where(changes["axis"] == OWN, OWN_STAGE, BASE)
    rows = shown(changes[changes["against"] == wanted])
    rows = rows[~rows["order"].str.startswith(CONTROL)]
    control = of_control(changes[changes["axis"] != OWN])
    order = [order_of(line) for line in control["line"]]
    every = rows, control.assign(order=order), of_seeds(changes)
    whole = [part[_over_all_sets(part)] for part in every]
    with_gaps = any(len(part) < len(all_) for part, all_ in zip(whole, every, strict=True))
    return Shown(*map(_long, whole), with_gaps)


def _over_all_sets(rows: pd.DataFrame) -> pd.Series:
    """Where a mean is over as many sets as any of its line and axis: others are no curve with it.

    Of own tasks there are more after every stage.
    """
    by_axis = pd.Series(list(zip(rows["line"], rows["axis"], strict=True)), rows.index, object)
    return (rows["axis"] == OWN) | (rows["sets"] == rows["sets"].groupby(by_axis).transform("max"))


def _long(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per measure, in %; regained below zero."""
    parts = []
    for measure, sign in SIGNS.items():
        ends = [f"{measure}_low", f"{measure}_high"][::sign]
        numbers = {"value": measure, "low": ends[0], "high": ends[1]}
        scaled = {name: 100.0 * sign * rows[column] + 0.0 for name, column in numbers.items()}
        parts.append(rows[[*KEPT, "line"]].assign(measure=measure, **scaled))
    long = pd.concat(parts, ignore_index=True)
    return long[long["value"].notna()]


def _draw_panel(axes: Axes, part: Shown, seen: dict[Line, Look], band: bool) -> None:
    axes.axhline(0, color="#444444", lw=0.8, zorder=1)
    for measure in SIGNS:
        of_measure = [rows[rows["measure"] == measure] for rows in (part.control, part.seeds)]
        floor, seeds = (_widest(rows) for rows in of_measure)
        axes.fill_between(floor.index, 0, floor, zorder=0.5, **FLOOR)
        axes.plot(seeds.index, seeds, zorder=1.2, **SEEDS)
        curves = part.rows[part.rows["measure"] == measure]
        for line in (lines(curves) if len(curves) else [])[::-1]:
            one = curves[[other == line for other in curves["line"]]]
            style = THINNER if measure == "regained" else {}
            draw_curve(axes, one, seen[line], band=BAND if band else 0, **style)


def _widest(rows: pd.DataFrame) -> pd.Series:
    """The value furthest from 0 by stage, over models: a floor for all lines of a panel."""
    by_stage = rows.groupby("stage_index")["value"]
    return by_stage.agg(lambda values: values.loc[values.abs().idxmax()])


def _name_panel(axes: Axes, axis: str, order: str, column: int, first: bool) -> None:
    """The axis at the left or, of a single order, above; the order above the first row."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):g}"))
    if order:
        axes.set_title(order if first else "")
        axes.set_ylabel(f"{axis}\n% of items" if column == 0 else "")
    else:
        axes.set_title(axis)
        axes.set_ylabel("% of items" if column == 0 else "")
    axes.tick_params(labelleft=column == 0)
    for words, height, place in (("lost", 0.97, "top"), ("regained", 0.03, "bottom")):
        axes.text(
            0.02, height, words, va=place, fontsize=SMALL, color="#444444", transform=axes.transAxes
        )


def _handles(found: Shown, seen: dict[Line, Look]) -> list:
    by_label = {seen[line].label: seen[line] for line in lines(found.rows)}
    handles: list = [
        Line2D([], [], color=look.colour, marker=look.marker, ls=look.stroke, label=label)
        for label, look in by_label.items()
    ]
    if len(found.control):
        handles.append(Patch(label="control", **FLOOR))
    if len(found.seeds):
        handles.append(Line2D([], [], label="other train seed", **SEEDS))
    return handles


def _caption(found: Shown, left_out: list[str]) -> str:
    parts = [
        f"{TITLE}, % of an axis' items, mean over its sets. Above the line: right before, wrong "
        "after; below: wrong before, right after. Before: the base, for own tasks their own stage."
    ]
    if len(lines(found.rows)) <= MANY:
        parts.append(f"Bands: {lower_first(interval_words(found.rows))}")
    else:
        parts.append(interval_words(found.rows))
    if len(found.control):
        parts.append(
            "Grey: the noise floor, what as many steps on general data lose and regain "
            f"({', '.join(found.control['model'].unique())}; of several models the most)."
        )
    else:
        parts.append("No control was run, so what general data alone change is not known.")
    if len(found.seeds):
        parts.append(
            "Dotted: the share right under one train seed and wrong under another, one way."
        )
    else:
        parts.append("Every chain has one train seed: flips between seeds are not known.")
    if found.with_gaps:
        parts.append("A stage after which not all sets of an axis were scored is left out of it.")
    if left_out:
        parts.append(f"No room for the orders {', '.join(left_out)}.")
    return " ".join(parts)
