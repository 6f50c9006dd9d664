"""What every figure must keep, each as a list of sentences that is empty for a good figure.

A figure is walked as it would be printed at its own size: call these inside `command.style()`.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from figure_looks import alike, in_data
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text

SMALLEST, TICKS = 7.0, 8.0  # points
TALLEST, WIDEST = 9.0, 6.5  # inches
PIXEL = 1.0


def problems(figure: Figure) -> list[str]:
    """Everything wrong with a figure's page, texts and looks."""
    figure.draw_without_rendering()
    return [
        *size_problems(figure),
        *small_texts(figure),
        *texts_off_page(figure),
        *overlaps(figure),
        *alike(figure),
    ]


def size_problems(figure: Figure) -> list[str]:
    """The figure is at most a page."""
    width, height = figure.get_size_inches()
    wide = [f"{width:.2f} inches wide"] if width > WIDEST + 1e-6 else []
    return wide + ([f"{height:.2f} inches high"] if height > TALLEST + 1e-6 else [])


def drawn_texts(figure: Figure) -> list[Text]:
    """All texts that are drawn: visible, not blank, and no label of a tick beyond its axis."""
    panels = all_axes(figure)
    unseen = {label for axes in panels for label in _labels_beyond(axes)}
    off = (axis for axes in panels if not axes.axison for axis in (axes.xaxis, axes.yaxis))
    unseen |= {text for axis in off for text in axis.findobj(Text)}
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible()
        and text.get_text().strip()
        and text not in unseen
        and (text.axes is None or text.axes.get_visible())
    ]


def all_axes(figure: Figure) -> list[Axes]:
    """The axes of a figure, of its subfigures and inside other axes."""
    return list(dict.fromkeys(figure.findobj(Axes)))


def _labels_beyond(axes: Axes) -> Iterator[Text]:
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        room = 1e-9 * (high - low)
        for ticks in (axis.get_major_ticks(), axis.get_minor_ticks()):
            for tick in ticks:
                if not low - room <= tick.get_loc() <= high + room:
                    yield from (tick.label1, tick.label2)


def small_texts(figure: Figure, smallest: float = SMALLEST, ticks: float = TICKS) -> list[str]:
    """Texts smaller than `smallest` points, and labels of ticks smaller than `ticks`."""
    labels = {
        label
        for axes in all_axes(figure)
        for label in (*axes.get_xticklabels(which="both"), *axes.get_yticklabels(which="both"))
    }
    return [
        f"{text.get_text()!r} has {text.get_fontsize():g} points"
        for text in drawn_texts(figure)
        if text.get_fontsize() < (ticks if text in labels else smallest) - 1e-6
    ]


def texts_off_page(figure: Figure) -> list[str]:
    """Texts that leave the canvas by more than a pixel."""
    page = figure.bbox
    found = []
    for text in drawn_texts(figure):
        box = text.get_window_extent()
        inside = box.x0 >= page.x0 - PIXEL and box.x1 <= page.x1 + PIXEL
        if not (inside and box.y0 >= page.y0 - PIXEL and box.y1 <= page.y1 + PIXEL):
            found.append(f"{text.get_text()!r} leaves the page")
    return found


def overlaps(figure: Figure) -> list[str]:
    """Texts that lie on each other, and legends that lie on panels or on texts of others.

    A legend inside a panel may lie on that panel, but on none of its texts.
    """
    texts = drawn_texts(figure)
    corners = {text: _corners(text) for text in texts}
    found = [
        f"{one.get_text()!r} lies on {other.get_text()!r}"
        for one, other in combinations(texts, 2)
        if _near(corners[one], corners[other]) and _meet(corners[one], corners[other])
    ]
    for legend in figure.findobj(Legend):
        box = legend.get_window_extent()
        frame = np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
        own = set(legend.findobj(Text))
        found += [
            f"a legend lies on {text.get_text()!r}"
            for text in texts
            if text not in own and _meet(frame, corners[text])
        ]
        panels = all_axes(figure) if legend.axes is None else []
        found += [
            f"a legend lies on the panel {panel_name(axes)!r}"
            for axes in panels
            if axes.get_visible() and _overlap(box, axes.get_window_extent())
        ]
    return found


def panel_name(axes: Axes) -> str:
    """A panel's title, wherever it stands, or else its label."""
    titles = (axes.get_title(loc) for loc in ("left", "center", "right"))
    return next((title for title in titles if title), axes.get_label())


def _overlap(one, other) -> bool:
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    return wide > PIXEL and min(one.y1, other.y1) - max(one.y0, other.y0) > PIXEL


def _corners(text: Text) -> np.ndarray:
    """The four corners of a text, shape (4, 2), in pixels; a turned text is a turned rectangle.

    A turned rectangle has the centre of the upright box around it.
    """
    around = text.get_window_extent()
    centre = np.array([(around.x0 + around.x1) / 2, (around.y0 + around.y1) / 2])
    angle = text.get_rotation()
    text.set_rotation(0)
    flat = text.get_window_extent()
    text.set_rotation(angle)
    x, y = flat.width / 2, flat.height / 2
    turned = np.radians(angle)
    turn = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    return centre + np.array([[-x, -y], [x, -y], [x, y], [-x, y]]) @ turn.T


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    """True if the upright boxes around two shapes meet; saves the slower question."""
    return bool((one.min(0) < other.max(0)).all() and (other.min(0) < one.max(0)).all())


def _meet(one: np.ndarray, other: np.ndarray) -> bool:
    """True if two convex shapes share more than a pixel's edge: no line separates them."""
    for shape in (one, other):
        for edge in np.roll(shape, -1, axis=0) - shape:
            length = np.hypot(*edge)
            if length == 0:
                return False
            across = np.array([-edge[1], edge[0]]) / length
            first, second = one @ across, other @ across
            if min(first.max(), second.max()) - max(first.min(), second.min()) <= PIXEL:
                return False
    return True


def outside(axes: Axes, low: float, high: float) -> list[str]:
    """Lines, bands and bars of a panel that leave a metric's range."""
    found = []
    for artist in (*axes.lines, *axes.collections, *axes.patches):
        if not in_data(artist, axes):
            continue
        if isinstance(artist, Line2D):
            ys = np.asarray(artist.get_ydata(), dtype=float)
        elif isinstance(artist, Collection):
            box = artist.get_datalim(axes.transData)
            ys = np.array([box.y0, box.y1])
        else:
            ys = artist.get_path().transformed(artist.get_patch_transform()).vertices[:, 1]
        ys = ys[np.isfinite(ys)]
        if len(ys) and (ys.min() < low - 1e-9 or ys.max() > high + 1e-9):
            found.append(f"{panel_name(axes)!r} shows {ys.min():g} to {ys.max():g}")
    return found
