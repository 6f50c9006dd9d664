"""An x axis whose one wide stretch without values is drawn narrow and grey, out of scale."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator

WIDE = 0.5
"""Share of an axis from which on an empty stretch is drawn narrow."""
NARROW = 0.08
"""Its share of what is in scale then."""
GREY = "#EDEDED"
WORDS = " The grey stretch of an axis has no points and is not in scale."


def empty_stretch(
    values: Iterable[float], ends: tuple[float, float], room: float
) -> tuple[float, float] | None:
    """The widest stretch between two neighbouring values, if it takes half of an axis or more.

    Args:
        ends: limits of the axis.
        room: what stays in scale beside either value.
    """
    inside = np.unique([value for value in values if not np.isnan(value)])
    if len(inside) < 2:
        return None
    place = int(np.diff(inside).argmax())
    low, high = inside[place] + room, inside[place + 1] - room
    return (float(low), float(high)) if high - low > WIDE * (ends[1] - ends[0]) else None


def squeeze(axes: Axes, stretch: tuple[float, float], ends: tuple[float, float]) -> None:
    """Give an axes limits `ends` in x, between which a stretch is narrow; a tick is never in it."""
    low, high = stretch
    in_scale = ends[1] - ends[0] - (high - low)
    factor = NARROW * in_scale / (high - low)

    def forward(x):
        return np.minimum(x, low) + np.clip(x - low, 0, high - low) * factor + np.maximum(x, high)

    def inverse(y):
        start = low + high  # of the stretch, as `forward` has it
        end = start + (high - low) * factor
        left, right = np.minimum(y, start) - high, np.maximum(y, end) - end
        return left + (np.clip(y, start, end) - start) / factor + right

    axes.set_xscale("function", functions=(forward, inverse))
    axes.set_xlim(ends)
    sides = ((ends[0], low), (high, ends[1]))
    chosen = [
        tick
        for side in sides
        for tick in MaxNLocator(max(1, round(5 * (side[1] - side[0]) / in_scale))).tick_values(
            *side
        )
        if side[0] <= tick <= side[1]
    ]
    axes.xaxis.set_major_locator(FixedLocator(chosen))
    axes.axvspan(low, high, color=GREY, lw=0, zorder=0.5)
