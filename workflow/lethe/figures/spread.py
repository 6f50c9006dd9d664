"""An x axis whose right end, where most points are, takes more than its share of the width."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator

END = 0.05
"""Share of the values' range that is the right end."""
MOST = 0.5
"""Share of points in it from which on it is spread."""
WIDTH = 0.6
"""Its share of the axis then."""
ROOM = 0.05
"""Beyond the last value, as a share of the right end."""
GRID = 5.0
"""Values between two places where the right end may begin."""
TICK, GAP = 0.34, 0.24
"""Inches of a tick and its words, and at least between the middles of two ticks."""
BESIDE = 0.55
"""Inches of a panel's words and numbers at its left."""
TINT = "#F1F5FA"
WORDS = " The axis is spread in the tinted part, where most points are."


def crowded_end(points: Sequence[float], values: Sequence[float]) -> float | None:
    """Where the right end begins if most points are in it, else None.

    Args:
        points: what is to be told apart.
        values: all that is shown, such as ends of intervals; some may be nan.
    """
    if not len(points):
        return None
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    start = GRID * np.floor((high - END * (high - low)) / GRID)
    inside = np.mean(np.asarray(points, dtype=float) >= start)
    return float(start) if start > low and inside >= MOST else None


def spread(axes: Axes, start: float, low: float, high: float) -> None:
    """Give an axes limits in x from `low` to a little beyond `high`; `start`: of the right end."""
    high += ROOM * (high - start)
    slopes = ((1 - WIDTH) / (start - low), WIDTH / (high - start))

    def forward(x):
        return np.minimum(x - start, 0) * slopes[0] + np.maximum(x - start, 0) * slopes[1]

    def inverse(y):
        return start + np.minimum(y, 0) / slopes[0] + np.maximum(y, 0) / slopes[1]

    axes.set_xscale("function", functions=(forward, inverse))
    axes.set_xlim(low, high)
    inches = axes.figure.get_figwidth() / axes.get_subplotspec().get_gridspec().ncols - BESIDE
    count = max(1, int(inches * WIDTH / TICK))
    ticks = MaxNLocator(min(count, 6), steps=[1, 2, 5, 10]).tick_values(start, high)
    right = [x for x in ticks if start <= x <= high] or [start]
    count = max(1, int(inches * (1 - WIDTH) / TICK))
    nearest = right[0] - GAP / inches / slopes[0]
    left = [x for x in MaxNLocator(min(count, 4)).tick_values(low, start) if low <= x <= nearest]
    axes.xaxis.set_major_locator(FixedLocator([*left, *right]))
    axes.axvspan(start, high, color=TINT, lw=0, zorder=0.4)
