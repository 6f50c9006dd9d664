"""Importance of units by layer and domain: what DAS protects, and how much stays free."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lethe.figures.appearance import tick_words
from lethe.figures.drawing import Drawn, Page, empty
from lethe.longtables.tables import LongTables
from lethe.metrics.intervals import t_interval
from lethe.metrics.shown import LINE_COLUMNS, Line, lines
from lethe.tables.lines import words

TITLE = "Importance of units by layer and domain"
PLACES = {"heads": "attention heads", "intermediate": "intermediate", "output": "output"}
BLOCKS = {"accumulated": "so far", "domain": "of the domain alone"}
MEASURES = ("mean", "above_half", "unit")
GENERAL = "general"
CELL_WIDTH, GAP = 0.36, (0.5, 0.3)
# Rows high enough for numbers; in a deep model, thin rows without numbers.
HIGH, THIN, FEW = 0.24, 0.13, 16
LEFT, TOP, TITLE_ROOM, TICKS = 0.5, 0.45, 0.36, 0.42
COLOURS = "YlGnBu"
PLACE = ["of", "place", "measure", "layer", "unit", "stage_index", "domain"]


def draw(tables: LongTables) -> Drawn:
    """A row of panels per line: I^(<=t) by place; for the first line also I^(t) of each domain."""
    cells = importance_cells(tables.stages)
    if not len(cells):
        return empty(TITLE, "No method with importances of units: select `das` or one of its kin.")
    all_lines = lines(cells.assign(params=0))
    shown = [(line, block) for line in all_lines for block in BLOCKS]
    shown = [pair for pair in shown if pair[1] == "accumulated" or pair[0] == all_lines[0]]
    keys = cells[LINE_COLUMNS].apply(tuple, axis=1)
    parts = [_panels(cells[(keys == line) & (cells["of"] == block)]) for line, block in shown]
    heights = [_height(max(len(panel) for panel in panels.values())) for panels in parts]
    columns = max(len(panel.columns) for panels in parts for panel in panels.values())
    wide = columns * CELL_WIDTH
    width = max(6.5, LEFT + len(PLACES) * (wide + GAP[0]))
    total = TOP + sum(heights) + len(parts) * (TITLE_ROOM + TICKS + GAP[1] - 0.1)
    page = Page(width, total, _caption(cells))
    page.text(0.2, 0.1, TITLE, fontsize=11, weight="bold")
    if any(len(panel) > FEW for panels in parts for panel in panels.values()):
        _colour_scale(page, width)
    top = TOP
    for (line, block), panels, height in zip(shown, parts, heights, strict=True):
        page.text(0.2, top, f"{_label(line, cells)}: {BLOCKS[block]}", fontsize=8, weight="bold")
        for column, (place, panel) in enumerate(panels.items()):
            left = LEFT + column * (wide + GAP[0])
            axes = page.axes(left, top + TITLE_ROOM, len(panel.columns) * CELL_WIDTH, height)
            _heat_map(axes, panel)
            rows = "layer.head" if "." in panel.index[0] else "layer"
            axes.set_title(f"{PLACES[place]}, by {rows}", loc="left")
        top += TITLE_ROOM + height + TICKS + GAP[1] - 0.1
    return Drawn(page.figure, cells)


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
        low, high = t_interval(values)
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


def _height(rows: int) -> float:
    return rows * (HIGH if rows <= FEW // 2 else THIN)


def _heat_map(axes: Axes, table: pd.DataFrame) -> None:
    values = table.to_numpy(dtype=float)
    axes.imshow(values, cmap=matplotlib.colormaps[COLOURS], vmin=0, vmax=1, aspect="auto")
    if len(table) <= FEW:
        for (row, column), value in np.ndenumerate(values):
            colour = "white" if value > 0.6 else "#222222"
            text = f"{value:.2f}".removeprefix("0") if value < 0.995 else "1"
            text = "–" if np.isnan(value) else text
            axes.text(column, row, text, ha="center", va="center", fontsize=6, color=colour)
    names = [tick_words(f"+{name}").removeprefix("+") for name in table.columns]
    axes.set_xticks(range(len(names)), names, rotation=40)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(table)), list(table.index))
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _colour_scale(page: Page, width: float) -> None:
    axes = page.axes(width - 1.8, 0.14, 1.4, 0.1)
    axes.imshow(np.linspace(0, 1, 100)[None], cmap=COLOURS, aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([])
    axes.grid(False)


def _label(line: Line, cells: pd.DataFrame) -> str:
    named = words(line, cells.assign(params=0))
    models = f"{named['model']}, " if cells["model"].nunique() > 1 else ""
    return f"{models}{named['method']}, {named['order']}"


def _caption(cells: pd.DataFrame) -> str:
    low, high = int(cells["runs"].min()), int(cells["runs"].max())
    runs = f"{low} to {high} runs" if low < high else f"{low} run{'s' * (low > 1)}"
    return (
        "Importance, 0 to 1 (Ke et al. 2023, Eq. 3-5), mean over a layer's units. Columns: before "
        "the first domain (general; – without one), then in the order of training. So far: the "
        "maximum of all to the left, unit by unit: the share of its gradient that a soft mask "
        f"takes away. Mean over {runs}. Each layer is standardised before tanh, so a domain's "
        "mean is near .56 whatever was learned (normally distributed units; .61 for both of two "
        "heads). If domains had unrelated importances, the maximum would go .56, .72, .80, .85, "
        ".87, .89, .91; less is overlap. The CSV has intervals, and the share of units above .5."
    )
