"""Plain charts as SVG for a page: axes with round ticks, points, lines, bands, and hover titles.

A chart is drawn for the width of a column, so that its text has one size on every screen.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from markupsafe import Markup

from lethe.figures.spread import TINT

LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 40.0
"""Room around the panel, in units of the drawing."""
LETTER = 6.1
"""Width of a letter of a label, in units of the drawing."""
SPREAD = 0.6
"""Share of a side that its crowded end takes."""
ROW = 13.0
"""Height of a label."""
HEAD = 7.0
"""Length of the head of an arrow."""
Point = tuple[float, float]


def element(name: str, content: object = "", /, **attributes: object) -> Markup:
    """An element of SVG; `_` in an attribute's name stands for `-`, and `class_` for `class`."""
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _number(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), given, content)


def _number(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` along a side; is_log: by their logarithms.

    knee: what lies beyond it takes the share SPREAD of the side; None where all is even.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False
    knee: float | None = None

    def __call__(self, value: float) -> float:
        if self.knee is not None:
            left, right = self._parts(self.knee)
            return right(value) if value > self.knee else left(value)
        low, high, value = (self._on(x) for x in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def _parts(self, knee: float) -> "tuple[Scale, Scale]":
        middle = self.end - SPREAD * (self.end - self.start)
        return Scale(self.low, knee, self.start, middle), Scale(knee, self.high, middle, self.end)

    def _on(self, value: float) -> float:
        return math.log10(value) if self.is_log else value

    def ticks(self, most: int = 5) -> list[float]:
        """Round values inside, at most about so many."""
        if self.is_log:
            return _powers(self.low, self.high)
        if self.knee is not None:
            left, right = self._parts(self.knee)
            return [*(x for x in left.ticks(2) if x < self.knee), *right.ticks(4)]
        step = _round_step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [place * step for place in range(first, last + 1)]


def _round_step(least: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten, with 2 and 5 times these where they are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    inside = [10.0**power for power in powers if low <= 10.0**power <= high]
    if len(inside) >= 3:
        return inside
    fine = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    inside = [value for value in fine if low <= value <= high]
    return inside if len(inside) > 1 else Scale(low, high, 0, 1).ticks()


def tick_words(value: float) -> str:
    """A tick's value: no more digits than it needs, and a real minus sign."""
    return f"{value:.6g}".replace("-", "−") if abs(value) > 1e-9 else "0"


@dataclass
class Panel:
    """One chart. x, y: limits; x_ticks: (value, words) in place of round numbers."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_words: str = ""
    y_words: str = ""
    width: float = 360.0
    height: float = 250.0
    x_ticks: Sequence[tuple[float, str]] = ()
    is_log: bool = False
    label: str = ""
    knee: float | None = None
    marks: list[Markup] = field(default_factory=list)

    @property
    def across(self) -> Scale:
        return Scale(*self.x, LEFT, self.width - RIGHT, knee=self.knee)

    @property
    def up(self) -> Scale:
        return Scale(*self.y, self.height - BOTTOM, TOP + 14, self.is_log)

    def line(self, points: Iterable[Point], colour: str, **style: object) -> None:
        """A line through points; it breaks where a value is missing."""
        for known, part in groupby(points, key=lambda p: not (math.isnan(p[0] + p[1]))):
            if known:
                places = " ".join(f"{self.across(x):.1f},{self.up(y):.1f}" for x, y in part)
                self.marks.append(element("polyline", points=places, stroke=colour, **style))

    def arrow(self, start: Point, end: Point, colour: str) -> None:
        """The head of an arrow that comes from `start`, just before the dot at `end`."""
        (x0, y0), (x, y) = ((self.across(a), self.up(b)) for a, b in (start, end))
        length = math.hypot(x - x0, y - y0)
        if length < 2 * HEAD:
            return
        along, aside = (
            ((x - x0) / length, (y - y0) / length),
            ((y0 - y) / length, (x - x0) / length),
        )
        tip = x - HEAD / 2 * along[0], y - HEAD / 2 * along[1]
        corners = [tip] + [
            tuple(tip[n] - HEAD * along[n] + side * HEAD / 2.5 * aside[n] for n in (0, 1))
            for side in (1, -1)
        ]
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        self.marks.append(element("polygon", points=places, fill=colour))

    def band(self, ends: Iterable[tuple[float, float, float]], colour: str) -> None:
        """The area between low and high ends, (x, low, high)."""
        known = [end for end in ends if not math.isnan(sum(end))]
        if len(known) < 2:
            return
        low = [(self.across(x), self.up(y)) for x, y, _ in known]
        high = [(self.across(x), self.up(y)) for x, _, y in reversed(known)]
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*low, *high])
        self.marks.append(element("polygon", points=places, fill=colour, class_="band"))

    def point(self, at: Point, colour: str, words: str, size: float = 4.5, fill: bool = True):
        """A dot that says `words` when the pointer is over it."""
        self.marks.append(
            element(
                "circle",
                element("title", words),
                cx=self.across(at[0]),
                cy=self.up(at[1]),
                r=size,
                fill=colour if fill else "#fff",
                stroke=colour,
                class_="dot",
            )
        )

    def bars(self, at: Point, across: Point, up: Point, colour: str) -> None:
        """The intervals of a point on both axes, as far as they are known."""
        x, y = self.across(at[0]), self.up(at[1])
        if not math.isnan(sum(across)):
            ends = {"x1": self.across(across[0]), "x2": self.across(across[1]), "y1": y, "y2": y}
            self.marks.append(element("line", stroke=colour, class_="bar", **ends))
        if not math.isnan(sum(up)):
            ends = {"y1": self.up(up[0]), "y2": self.up(up[1]), "x1": x, "x2": x}
            self.marks.append(element("line", stroke=colour, class_="bar", **ends))

    def level(self, value: float, is_upright: bool = False, class_: str = "level") -> None:
        """A line across the whole panel, or up."""
        x, y = self.across, self.up
        if is_upright:
            ends = {"x1": x(value), "x2": x(value), "y1": y.start, "y2": y.end}
        else:
            ends = {"x1": x.start, "x2": x.end, "y1": y(value), "y2": y(value)}
        self.marks.append(element("line", class_=class_, **ends))

    def labels(self, named: Iterable[tuple[Point, str]]) -> None:
        """(point, words): words beside points, moved until none lies on another."""
        taken: list[tuple[float, float, float]] = []
        for (x, y), words in sorted(named, key=lambda one: -one[0][1]):
            at, wide = self.across(x) + 8, LETTER * len(words)
            if at + wide > self.width - 2:
                at = self.across(x) - 8 - wide
            start = self.up(y) - 5
            places = [start + step * ROW for n in range(8) for step in (n, -n)]
            room = [p for p in places if TOP + 22 <= p <= self.height - BOTTOM - 3]
            free = [p for p in room if not _touches(at, p, wide, taken)]
            place = (free or room or [start])[0]
            taken.append((at, place, wide))
            self.marks.append(element("text", words, x=max(at, LEFT + 2), y=place, class_="name"))

    def svg(self) -> Markup:
        """The chart."""
        parts = [*self._frame(), *self.marks]
        return element(
            "svg",
            Markup("").join(parts),
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            role="img",
            aria_label=self.label or f"{self.y_words} against {self.x_words}",
        )

    def _frame(self) -> Iterator[Markup]:
        across, up = self.across, self.up
        if self.knee is not None:
            x, y = across(self.knee), up.end
            size = {"width": across.end - x, "height": up.start - y}
            yield element("rect", x=x, y=y, **size, fill=TINT)
        for value in up.ticks():
            y = up(value)
            yield element("line", x1=across.start, x2=across.end, y1=y, y2=y, class_="grid")
            words = tick_words(value)
            yield element("text", words, x=LEFT - 6, y=y + 4, text_anchor="end", class_="tick")
        ticks = self.x_ticks or [(value, tick_words(value)) for value in across.ticks()]
        for value, words in ticks:
            place = {"x": across(value), "y": self.height - BOTTOM + 16}
            yield element("text", words, text_anchor="middle", class_="tick", **place)
        middle, foot = (across.start + across.end) / 2, self.height - 6
        yield element("text", self.x_words, x=middle, y=foot, text_anchor="middle", class_="axis")
        yield element("text", self.y_words, x=2.0, y=TOP, class_="axis")
        yield element(
            "line", x1=across.start, x2=across.end, y1=up.start, y2=up.start, class_="edge"
        )


def _touches(x: float, y: float, wide: float, taken: list[tuple[float, float, float]]) -> bool:
    return any(
        abs(y - other_y) < ROW and x < other_x + other_wide and other_x < x + wide
        for other_x, other_y, other_wide in taken
    )


def limits(values: Iterable[float], least: float, with_zero: bool = False) -> tuple[float, float]:
    """Limits of an axis with a little room, that span at least `least`."""
    known = [value for value in values if not math.isnan(value)] + [0.0] * with_zero
    low, high = min(known, default=0.0), max(known, default=1.0)
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    room = 0.06 * (high - low)
    return low - room, high + room
