"""What a reader can tell the series of a figure by, and which of them are told by nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from colour_vision import least_difference
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from lethe.figures.marks import BEHIND

APART = 10.0  # CIEDE2000


@dataclass(frozen=True)
class Seen:
    """What a reader can tell a series by. shape: marker, dash and fill, or the hatch of a bar."""

    kind: str
    colour: str
    shape: tuple
    hollow: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.colour} {self.shape}{' hollow' * self.hollow}"


def alike(figure: Figure) -> list[str]:
    """Pairs of series that differ by less than APART in colour and in nothing else.

    Entries of one legend differ, and so do the looks of what is drawn in all panels.
    """
    found = []
    for legend in figure.findobj(Legend):
        entries = [
            (text.get_text(), look)
            for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
            for look in _looks(handle)
        ]
        found += [
            f"{one!r} and {other!r} of a legend look alike: {look}"
            for (one, look), (other, second) in combinations(entries, 2)
            if _same(look, second)
        ]
    return found + [
        f"two series look alike: {one} and {other}"
        for one, other in combinations(sorted(series(figure), key=str), 2)
        if _same(one, other)
    ]


def series(figure: Figure) -> set[Seen]:
    """The looks of all series drawn in panels.

    Not those of reference lines, single intervals, bands, maps of colours, and what is BEHIND.
    """
    return {
        look
        for axes in figure.findobj(Axes)
        for artist in (*axes.lines, *axes.patches, *axes.collections)
        if artist.get_visible() and artist.get_label() != BEHIND and _is_series(artist, axes)
        for look in _looks(artist)
    }


def _is_series(artist: Artist, axes: Axes) -> bool:
    if isinstance(artist, PathCollection):
        return len(artist.get_offsets()) > 0
    if not in_data(artist, axes):
        return False
    if isinstance(artist, Line2D):
        x, y = (np.unique(np.asarray(ends, dtype=float)) for ends in artist.get_data())
        return len(x) > 0 and (_marker(artist) != "" or (len(x) > 1 and len(y) > 1))
    return True


def in_data(artist: Artist, axes: Axes) -> bool:
    """True if both coordinates are those of the data, as of no line across the whole panel."""
    own = artist.get_data_transform() if isinstance(artist, Patch) else artist.get_transform()
    return own == axes.transData


def _looks(artist: Artist) -> Iterator[Seen]:
    """Of a line, a bar or points; other artists have none, such as bands."""
    if isinstance(artist, Line2D):
        marker, dash = _marker(artist), _dash(artist)
        face = artist.get_markerfacecolor()
        hollow = bool(marker) and _is_hollow(face)
        colour = artist.get_color() if dash or hollow else face
        yield Seen("line", to_hex(colour), (marker, dash, _fill(artist)), hollow)
    elif isinstance(artist, Rectangle) and artist.get_fill():
        yield Seen("bar", to_hex(artist.get_facecolor()), (artist.get_hatch() or "",), False)
    elif isinstance(artist, PathCollection):
        faces, edges, paths = artist.get_facecolors(), artist.get_edgecolors(), artist.get_paths()
        for place in range(max(len(artist.get_offsets()), 1)):
            hollow = len(faces) == 0
            colours = edges if hollow else faces
            shape = paths[place % len(paths)].vertices.round(3).tobytes().hex()
            yield Seen("points", to_hex(colours[place % len(colours)]), (shape,), hollow)


def _is_hollow(face) -> bool:
    return (isinstance(face, str) and face == "none") or to_hex(face) == "#ffffff"


def _fill(line: Line2D) -> str:
    return str(line.get_fillstyle()) if _marker(line) else ""


def _marker(line: Line2D) -> str:
    marker = line.get_marker()
    return "" if marker in ("", " ", "None", "none", None) else str(marker)


def _dash(line: Line2D) -> str:
    """The dash as drawn, "" for no line; matplotlib's own word for any list of dashes is `--`."""
    if line.get_linestyle() in ("None", "none", " ", ""):
        return ""
    _, dashes = line._unscaled_dash_pattern
    return "solid" if dashes is None else " ".join(f"{length:g}" for length in dashes)


def _same(one: Seen, other: Seen) -> bool:
    if (one.kind, one.shape, one.hollow) != (other.kind, other.shape, other.hollow):
        return False
    return least_difference(to_rgb(one.colour), to_rgb(other.colour)) < APART
