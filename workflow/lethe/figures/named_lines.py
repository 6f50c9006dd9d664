"""Names beside lines, where neither a line with a name nor another name is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from lethe.figures.drawing import text_width

HEIGHT = 0.14
"""Inches of a name."""
MARK = 0.045
"""Inches around a line that stay free."""
FAR = (0.07, 0.16, 0.27, 0.4, 0.55, 0.8)
"""Inches from a point to its name; from the second on a thin line leads to it."""
SIDES = ((1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1))
DARKER = 0.65
"""Light colours are hard to read as words."""


@dataclass(frozen=True)
class NamedLine:
    """A line of an axes: its name, its colour, its points as data (N, 2)."""

    words: str
    colour: str
    points: np.ndarray


def name_lines(axes: Axes, lines: list[NamedLine], others: np.ndarray) -> None:
    """Write the names. A line that has no free place near it stays without one.

    others: (M, 2) points without a name, which a name should not hide. The layout of the figure
    must be final.
    """
    inch = axes.figure.dpi
    inside = axes.get_window_extent()
    of_lines = [_along(axes.transData.transform(line.points), inch) for line in lines]
    drawn = np.concatenate(of_lines)
    light = axes.transData.transform(others) if len(others) else np.empty((0, 2))
    taken: list[Bbox] = []
    for line in sorted(lines, key=lambda line: len(line.points)):  # a point has fewest places
        found = [
            (int(_held(box, light).sum()) + 3 * step, place)
            for place in _places(axes, line, inch)
            for at, step, box in [place]
            if _is_inside(box, inside)
            and not _held(box.padded(MARK * inch), drawn).any()
            and not any(box.overlaps(other) for other in taken)
            and not any(_held(other, _leader(at, box, inch)).any() for other in taken)
        ]
        if found:
            _, (at, step, box) = min(found, key=lambda one: one[0])
            taken.append(box)
            if step:
                drawn = np.concatenate([drawn, _leader(at, box, inch)])
            _write(axes, line, at, step, box)


def _along(corners: np.ndarray, inch: float) -> np.ndarray:
    """Points along a line, closer than a name is high."""
    parts = [corners]
    for start, end in zip(corners[:-1], corners[1:], strict=True):
        count = int(np.hypot(*(end - start)) / (HEIGHT * inch / 3)) + 2
        parts.append(np.linspace(start, end, count))
    return np.concatenate(parts)


def _leader(at: np.ndarray, box: Bbox, inch: float) -> np.ndarray:
    """Points along the thin line from a name to its point."""
    return _along(np.array([at, np.clip(at, box.min, box.max)]), inch)


def _places(axes: Axes, line: NamedLine, inch: float) -> Iterator[tuple[np.ndarray, int, Bbox]]:
    """(Point of the line, how far away, box of the name) in pixels, the nearest first."""
    wide, high = text_width(line.words) * inch, HEIGHT * inch
    corners = axes.transData.transform(line.points)
    for step, far in enumerate(FAR):
        for across, up in SIDES:
            for at in corners:
                x, y = at + np.array([across, up]) * far * inch
                left = x - wide * (1 - across) / 2
                yield at, step, Bbox.from_bounds(left, y - high * (1 - up) / 2, wide, high)


def _held(box: Bbox, points: np.ndarray) -> np.ndarray:
    return ((points > box.min) & (points < box.max)).all(axis=1)


def _is_inside(box: Bbox, outer: Bbox) -> bool:
    return bool((box.min >= outer.min).all() and (box.max <= outer.max).all())


def _write(axes: Axes, line: NamedLine, at: np.ndarray, step: int, box: Bbox) -> None:
    colour = tuple(DARKER * part for part in to_rgb(line.colour))
    data = axes.transData.inverted()
    middle = (box.min + box.max) / 2
    # A fraction of the panel, so that a name stays where it is at any resolution.
    x, y = axes.transAxes.inverted().transform(middle)
    text = axes.text(
        x, y, line.words, transform=axes.transAxes, ha="center", va="center", color=colour,
        fontsize=8, zorder=5,
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )  # fmt: skip
    text.set_in_layout(False)
    if step:
        end = np.clip(at, box.min, box.max)
        ends = data.transform([at, end])
        axes.plot(*ends.T, color=colour, lw=0.5, zorder=1.4)


def names_of(words: Iterable[tuple[str, str, str]]) -> list[str]:
    """A name for every line from (method, order, recipe): the last two where they tell it apart.

    Two lines of a method on one order differ by their recipe, of two orders by their order.
    """
    listed = list(words)
    names = []
    for method, order, recipe in listed:
        same = [other for other in listed if other[0] == method]
        orders = len({other[1] for other in same}) > 1
        recipes = sum(other[1] == order for other in same) > 1
        names.append(", ".join([method, *[order] * orders, *[recipe] * recipes]))
    return names
