"""What all figures share: sizes by word, a layout that fits its text, intervals, saving.

Matplotlib's constrained layout places everything; `finish` then turns or shortens what is too long
for its place, which is known only then.
"""

import math
import textwrap
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator
from matplotlib.transforms import Bbox

from lethe.artefacts.files import write_atomic
from lethe.figures.appearance import shortened
from lethe.tables.writing import csv_text

WIDTHS = {"column": 3.3, "text": 5.5, "page": 6.5}
"""Inches: a column of a paper of two columns, a paper's text, a page without its margins."""
HIGHEST = 9.0
"""Inches: what a page has for a figure."""
SMALL = 7
"""Points of annotations, the smallest text; all other text has 8 (matplotlibrc)."""
SLANT = 40
"""Degrees."""
BETWEEN = 3
"""Pixels at least between two tick labels."""
LINE = 10
"""Points from a line of text to the next."""
UPRIGHT = 9.2
"""Points between two words that stand upright."""
LEGEND_ROW = 0.16
"""Inches."""
HANDLE = 0.55
"""Inches of a legend's entry besides its words."""
CAPTION_LETTERS = 100
UNDATED = {
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "png": {"Software": None},
}


@dataclass(frozen=True)
class Drawn:
    """A figure, the numbers in it, and its caption, which begins with a title."""

    figure: Figure
    plotted: pd.DataFrame
    caption: str = ""


def new_figure(width: str, height: float) -> Figure:
    """An empty figure; width: a word of WIDTHS. height: inches, cut to those of a page."""
    return Figure(figsize=(WIDTHS[width], min(height, HIGHEST)), layout="constrained")


def columns_that_fit(width: str, panels: int, least: float) -> int:
    """How many panels stand side by side, each with at least so many inches."""
    return max(1, min(panels, int((WIDTHS[width] - 0.45) / least)))


def legend(figure: Figure, handles: list) -> None:
    """A legend above the panels, in as many columns as fit; long labels are shortened."""
    if not handles:
        return
    width = figure.get_figwidth() - 0.1
    for handle in handles:
        handle.set_label(fitted(handle.get_label(), width - HANDLE))
    widest = max(text_width(handle.get_label()) for handle in handles) + HANDLE
    columns = max(1, min(len(handles), int(width / widest)))
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)
    _grow(figure, LEGEND_ROW * -(-len(handles) // columns))


def _grow(figure: Figure, inches: float) -> None:
    """Make the figure higher, as far as a page allows."""
    figure.set_figheight(min(figure.get_figheight() + inches, HIGHEST))


def fitted(words: str, inches: float, weight: str = "normal") -> str:
    """The words, shortened in their middle until they are no wider than so many inches."""
    most = len(words)
    while most > 3 and text_width(shortened(words, most), weight) > inches:
        most -= 1
    return shortened(words, most)


@cache
def text_width(words: str, weight: str = "normal") -> float:
    """Width of the widest line in inches, in the font of all figures at 8 points."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
    font.set_size(8, 72)
    widest = 0.0
    for line in words.split("\n"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a letter that the font lacks has the width of a box
            font.set_text(line)
        widest = max(widest, font.get_width_height()[0] / 64 / 72)
    return widest


def draw_interval(axes: Axes, x: float, row, colour: str, *, across: bool = False, **style) -> None:
    """The bar from `low` to `high` of a row, if it has an interval; across: a horizontal bar."""
    if np.isnan(row["low"]):
        return
    ends, place = [row["low"], row["high"]], [x, x]
    points = (ends, place) if across else (place, ends)
    axes.plot(*points, **({"color": colour, "lw": 1.3, "zorder": 2} | style))


def draw_missing(axes: Axes, x: float, note: str, colour: str, height: float = 0.5) -> None:
    """Say at x why there is no point; height: of the word's middle, as a share of the axes."""
    words = "at floor" if "at floor" in note else "missing"
    style = {"rotation": 90, "ha": "center", "va": "center", "fontsize": SMALL, "color": colour}
    axes.text(x, height, words, transform=axes.get_xaxis_transform(), **style)


def limits(
    values: Iterable[float], least: float = 0.0, zero: bool = False, most: float = math.inf
) -> tuple[float, float]:
    """Limits of an axis for values, some of them nan, with a little room.

    least: the smallest range, so that tiny differences do not look large. zero: 0 is inside. most:
    what no value can exceed, so that a small range grows downwards rather than beyond it.
    """
    finite = np.array([value for value in values if np.isfinite(value)] + [0.0] * zero)
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if high - low < least:
        high = max(high, min(low + least, most))
        low = min(low, high - least)
    room = 0.05 * (high - low) or 0.05
    return low - room, high + room


def finish(figure: Figure) -> Figure:
    """Lay the figure out for good; turn tick labels and shorten titles that have no room.

    Saving lays nothing out again, so all forms of a figure are alike.
    """
    # One renderer that measures all texts, not one a text. Earlier, seaborn would draw with it.
    FigureCanvasAgg(figure)
    # Without panels there is nothing to lay out; matplotlib warns of that.
    layout = figure.get_layout_engine() if figure.axes else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        if layout is not None:
            layout.execute(figure)
            if _turn_labels(figure):
                layout.execute(figure)
            if _fit_titles(figure):
                layout.execute(figure)
    figure.set_layout_engine(None)
    return figure


def _fit_titles(figure: Figure) -> bool:
    """Shorten titles and axis labels that are longer than their panel; whether any was."""
    changed = False
    for axes in figure.axes:
        wide, high = axes.bbox.width / figure.dpi, axes.bbox.height / figure.dpi
        for words, room, weight, write in (
            (axes.get_title(loc="left"), wide, "bold", partial(axes.set_title, loc="left")),
            (axes.get_xlabel(), wide + 0.2, "normal", axes.set_xlabel),
            (axes.get_ylabel(), high + 0.2, "normal", axes.set_ylabel),
        ):
            short = "\n".join(fitted(line, room, weight) for line in words.split("\n"))
            if short != words:
                write(short)
                changed = True
    return changed


def _turn_labels(figure: Figure) -> bool:
    """Turn tick labels that touch, in all panels with the same words alike; whether any was.

    They stand upright if a slant is not enough.
    """
    groups: dict[tuple[str, ...], list[list[Text]]] = {}
    for axes in figure.axes:
        if labels := _words_below(axes):
            groups.setdefault(tuple(label.get_text() for label in labels), []).append(labels)
    growth = [_turned(group, figure.dpi) for group in groups.values()]
    _grow(figure, max(growth, default=0.0))
    return any(growth)


def _turned(group: list[list[Text]], dpi: float) -> float:
    """Turn the labels of panels with the same words if they touch; inches that this takes below."""
    boxes = [sorted((label.get_window_extent() for label in row), key=_middle) for row in group]
    pairs = [pair for row in boxes for pair in pairwise(row)]
    if not any(one.x1 + BETWEEN > other.x0 for one, other in pairs):
        return 0.0
    nearest = min(_middle(other) - _middle(one) for one, other in pairs) * 72 / dpi
    angle = SLANT if nearest * np.sin(np.radians(SLANT)) > LINE else 90
    # Where even upright words have no room, only each second or third is shown.
    step = int(np.ceil(UPRIGHT / nearest))
    for row in group:
        for place, label in enumerate(row):
            label.set_visible(place % step == 0)
    for label in (label for row in group for label in row):
        upper = "top" if angle == SLANT else "center"
        label.set(rotation=angle, ha="right", va=upper, rotation_mode="anchor")
    widest = max(box.width for row in boxes for box in row)
    return widest / dpi * np.sin(np.radians(angle))


def _middle(box: Bbox) -> float:
    return (box.x0 + box.x1) / 2


def _words_below(axes: Axes) -> list[Text]:
    """Tick labels that are given as words; numbers choose their own ticks."""
    if not isinstance(axes.xaxis.get_major_locator(), FixedLocator):
        return []
    return [label for label in axes.get_xticklabels() if label.get_visible() and label.get_text()]


def lower_first(text: str) -> str:
    """A sentence with a lower-case start, for use inside another."""
    return text[:1].lower() + text[1:]


def save(drawn: Drawn, directory: Path, name: str) -> list[Path]:
    """Write NAME.pdf, .svg, .png, the plotted NAME.csv, and the caption NAME.txt.

    Equal inputs give equal bytes.
    """
    contents: dict[str, bytes | str] = {}
    for suffix, metadata in UNDATED.items():
        buffer = BytesIO()
        with warnings.catch_warnings():
            # A letter that the font lacks is drawn as a box; a line of the log for each helps none.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            drawn.figure.savefig(buffer, format=suffix, metadata=metadata)
        contents[suffix] = buffer.getvalue()
    contents["csv"] = csv_text(drawn.plotted)
    contents["txt"] = "\n".join(textwrap.wrap(drawn.caption, CAPTION_LETTERS)) + "\n"
    written = [Path(directory) / f"{name}.{suffix}" for suffix in contents]
    for path, content in zip(written, contents.values(), strict=True):
        write_atomic(path, content)
    return written


def empty(title: str, sentence: str, width: str = "text") -> Drawn:
    """A figure that states what is missing and how to select it."""
    lines = textwrap.wrap(sentence, int(WIDTHS[width] / 0.07))
    figure = new_figure(width, 0.3 + 0.14 * len(lines))
    figure.text(0.03, 0.5, "\n".join(lines), va="center", color="#444444")
    return Drawn(figure, pd.DataFrame({"missing": [sentence]}), f"{title}. {sentence}")
