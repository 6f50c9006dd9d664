"""Importance of units by layer and domain: what DAS protects, and how much stays free."""

from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes

from lethe.figures.appearance import tick_words
from lethe.figures.drawing import HIGHEST, SMALL, WIDTHS, Drawn, empty, new_figure
from lethe.longtables.tables import LongTables
from lethe.metrics.intervals import t_interval
from lethe.metrics.row_intervals import share_range
from lethe.metrics.shown import LINE_COLUMNS, Line, lines
from lethe.tables.lines import words

TITLE = "Importance of units by layer and domain"
PLACES = {"heads": "heads", "intermediate": "inner", "output": "output"}
BLOCKS = {"accumulated": "so far", "domain": "alone"}
MEASURES = ("mean", "above_half", "unit")
GENERAL = "general"
FEW = 16
"""Heads that are shown one by one, and rows that get numbers."""
CELL = (0.2, 0.1)
"""Inches of the smallest cell that a number fits in."""
LEAST, MOST = 0.6, 1.3
"""Inches of a row of panels."""
BESIDE, AROUND, BETWEEN = 1.15, 1.2, 0.1
"""Inches left of and between the panels of a row; above and below all rows; between two rows."""
COLOURS = "YlGnBu"
PLACE = ["of", "place", "measure", "layer", "unit", "stage_index", "domain"]

Row = tuple[str, dict[str, pd.DataFrame]]


def draw(tables: LongTables, width: str = "page") -> Drawn:
    """A row of panels per line: I^(<=t) by place; for the first line also I^(t) of each domain."""
    cells = importance_cells(tables.stages)
    if not len(cells):
        sentence = "No method with importances of units: select `das` or one of its kin."
        return empty(TITLE, sentence, width)
    rows, left_out = _rows(cells)
    heights = _heights(rows)
    figure = new_figure(width, sum(heights) + BETWEEN * len(rows) + AROUND)
    axes = figure.subplots(len(rows), len(PLACES), height_ratios=heights, squeeze=False)
    numbered = True
    for line, ((label, panels), height) in enumerate(zip(rows, heights, strict=True)):
        for panel_axes, panel in zip(axes[line], panels.values(), strict=True):
            wide = (WIDTHS[width] - BESIDE) / len(PLACES) / len(panel.columns)
            fits = wide >= CELL[0] and height / len(panel) >= CELL[1] and len(panel) <= FEW
            _heat_map(panel_axes, panel, fits)
            numbered &= fits
        axes[line][0].set_ylabel(label)
    _share_words(axes, [panels for _, panels in rows])
    if not numbered:
        scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 1), COLOURS)
        figure.colorbar(
            scale, ax=axes, location="top", ticks=[0, 0.5, 1], aspect=40, shrink=0.5, pad=0.02
        )
    return Drawn(figure, cells, _caption(cells, left_out))


def _rows(cells: pd.DataFrame) -> tuple[list[Row], int]:
    """(label, panel by place) of every row that a page has room for, and how many it has not."""
    all_lines = lines(cells.assign(params=0))
    shown = [(line, block) for line in all_lines for block in BLOCKS]
    shown = [pair for pair in shown if pair[1] == "accumulated" or pair[0] == all_lines[0]]
    keys = cells[LINE_COLUMNS].apply(tuple, axis=1)
    rows = [
        (f"{_label(line, cells)}\n{BLOCKS[block]}", _panels(part))
        for line, block in shown
        if len(part := cells[(keys == line) & (cells["of"] == block)])
    ]
    room = int((HIGHEST - AROUND) / (LEAST + BETWEEN))
    return rows[:room], len(rows[room:])


def _heights(rows: list[Row]) -> list[float]:
    """Inches of every row: room for numbers, as long as all rows fit on a page."""
    longest = [max(len(panel) for panel in panels.values()) for _, panels in rows]
    heights = [min(max(1.2 * CELL[1] * length, LEAST), MOST) for length in longest]
    room = HIGHEST - AROUND - BETWEEN * len(rows)
    return [min(height, height * room / sum(heights)) for height in heights]


def importance_cells(stages: pd.DataFrame) -> pd.DataFrame:
    """Means over runs, with 95 % t-intervals over three or more; a row per cell of a line.

    Columns: those of a line, then `of` (accumulated: I^(<=t), or domain: I^(t)), place, measure
    (mean or share above_half of a layer, or one unit), layer and unit from 0, stage_index and
    domain. Both values of `of` start with I^(0), at stage 0 and with the domain `general`.
    """
    rows = stages[stages["measure"].str.startswith("importance.")]
    if not len(rows):
        return pd.DataFrame()
    names = rows["measure"].str.split(".", expand=True)
    rows = rows.assign(of=names[1], place=names[2], measure=names[3], domain=rows["stage_task"])
    rows = rows[rows["measure"].isin(MEASURES)]
    general = rows[rows["of"] == GENERAL].assign(stage_index=0, domain=GENERAL)
    rows = [rows[rows["of"] != GENERAL], *(general.assign(of=block) for block in BLOCKS)]
    cell_rows = []
    grouped = pd.concat(rows).groupby([*LINE_COLUMNS, *PLACE], dropna=False, sort=True)
    for key, part in grouped:
        values = part["value"].astype(float).to_numpy()
        low, high = t_interval(values, share_range(values))
        numbers = {"value": values.mean(), "low": low, "high": high, "runs": len(values)}
        cell_rows.append(dict(zip([*LINE_COLUMNS, *PLACE], key, strict=True)) | numbers)
    return pd.DataFrame(cell_rows)


def _panels(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By place: rows are layers, or single heads if there are few; columns are domains."""
    panels = {}
    for place in PLACES:
        place_cells = cells[cells["place"] == place]
        single = place_cells[place_cells["measure"] == "unit"]
        few = 0 < len(single[["layer", "unit"]].drop_duplicates()) <= FEW
        place_cells = single if few else place_cells[place_cells["measure"] == "mean"]
        rows = [
            f"{int(layer) + 1}.{int(unit) + 1}" if few else f"{int(layer) + 1}"
            for layer, unit in place_cells[["layer", "unit"]].itertuples(index=False)
        ]
        domains = (
            place_cells[["stage_index", "domain"]].drop_duplicates().sort_values("stage_index")
        )
        table = place_cells.assign(row=rows).pivot(
            index="row", columns="stage_index", values="value"
        )
        table = table.loc[list(dict.fromkeys(_by_layer(rows)))]
        panels[place] = table.set_axis(list(domains["domain"]), axis=1)
        if GENERAL not in panels[place]:
            panels[place].insert(0, GENERAL, np.nan)
    return panels


def _by_layer(rows: list[str]) -> list[str]:
    return sorted(rows, key=lambda row: [int(part) for part in row.split(".")])


def _heat_map(axes: Axes, table: pd.DataFrame, numbered: bool) -> None:
    numbers = table.map(lambda value: f"{value:.2f}".removeprefix("0") if value < 0.995 else "1")
    seaborn.heatmap(
        table,
        ax=axes,
        vmin=0,
        vmax=1,
        cmap=COLOURS,
        cbar=False,
        annot=numbers if numbered else None,
        fmt="",
        annot_kws={"fontsize": SMALL},
        xticklabels=[tick_words(f"+{name}").removeprefix("+") for name in table.columns],
    )
    for row, column in np.argwhere(table.isna().to_numpy()) if numbered else ():
        style = {"ha": "center", "va": "center", "fontsize": SMALL}
        axes.text(column + 0.5, row + 0.5, "–", **style)
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0, rotation=0)


def _share_words(axes: np.ndarray, rows: list[dict[str, pd.DataFrame]]) -> None:
    """Titles where they differ from those above, domains where they differ from those below."""
    titles = [
        [f"{PLACES[place]}\n{_unit(panel)}" for place, panel in panels.items()] for panels in rows
    ]
    domains = [[list(panel.columns) for panel in panels.values()] for panels in rows]
    for line, row_titles in enumerate(titles):
        for panel, title in zip(axes[line], row_titles, strict=True):
            if line == 0 or row_titles != titles[line - 1]:
                panel.set_title(title, loc="left")
    for line, (above, below) in enumerate(pairwise(domains)):
        for panel in axes[line] if above == below else ():
            panel.tick_params(labelbottom=False)


def _unit(panel: pd.DataFrame) -> str:
    return "by head" if "." in panel.index[0] else "by layer"


def _label(line: Line, cells: pd.DataFrame) -> str:
    """The line, without what all lines have in common."""
    named = words(line, cells.assign(params=0))
    several = [name for name in ("model", "order") if cells[name].nunique() > 1]
    return ", ".join(named[name] for name in ("method", *several))


def _caption(cells: pd.DataFrame, left_out: int) -> str:
    low, high = int(cells["runs"].min()), int(cells["runs"].max())
    runs = f"{low} to {high} runs" if low < high else f"{low} run{'s' * (low > 1)}"
    more = f" {left_out} more lines are in the CSV alone." if left_out else ""
    if (cells["place"] == "cross_heads").any():
        more += (
            " Layers of an encoder-decoder are numbered through, the encoder's first; its heads of "
            "cross-attention are in the CSV alone."
        )
    return (
        f"{TITLE}. From 0 to 1 (Ke et al. 2023, Eq. 3-5), mean over a layer's units: attention "
        "heads (if few one by one, as layer.head), and inner (intermediate) and output neurons of "
        "the feed-forward layer. Columns: "
        "before the first domain (general; – without one), then in the order of training. So far: "
        "the maximum of all to the left, unit by unit: the share of its gradient that a soft mask "
        f"takes away; alone: of the domain by itself. Mean over {runs}. Each layer is standardised "
        "before tanh, so a domain's mean is near .56 whatever was learned (normally distributed "
        "units; .61 for both of two heads). If domains had unrelated importances, the maximum "
        "would go .56, .72, .80, .85, .87, .89, .91; less is overlap. The CSV has intervals, and "
        f"the share of units above .5.{more}"
    )
