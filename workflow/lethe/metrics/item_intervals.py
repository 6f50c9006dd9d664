"""Intervals of estimates that are means over single items, with the draw of their clusters."""

from collections.abc import Mapping

import numpy as np

from lethe.longtables.change_columns import SHARES, WITH_INTERVAL
from lethe.metrics.intervals import bootstrap_interval, resampled_means, share_interval
from lethe.metrics.resamples import ItemDraw

Estimate = tuple[float, float, float]
NONE: Estimate = (float("nan"),) * 3


def estimates(
    values: Mapping[str, np.ndarray],
    draw: ItemDraw,
    mask: np.ndarray,
    steps: Mapping[str, float],
) -> dict[str, Estimate]:
    """(mean, low, high) of each array of items; items of which it is nan are left out.

    SHARES have Wilson's interval and all others Student's t, as in `intervals`; the ends are nan
    where a single cluster is left, and of what is shown without them.

    Args:
        values: by name, arrays as of `item_changes.item_values`, of the items of the mask.
        mask: which of all items of the draw these are.
        steps: by name, how far one changed answer moves an item's value: what a coin toss for one
            more item adds to the spread.
    """
    found = dict.fromkeys(values, NONE)
    known = {name: ~np.isnan(array) for name, array in values.items()}
    cluster = draw.cluster[mask]
    for places in {has.tobytes(): has for has in known.values() if has.any()}.values():
        names = [name for name, has in known.items() if np.array_equal(has, places)]
        table = np.stack([values[name][places] for name in names], axis=1)
        drawn = resampled_means(table, cluster[places], draw.weights)
        items, units = len(table), len(np.unique(cluster[places]))
        for name, mean, replicates in zip(names, table.mean(0), drawn.T, strict=True):
            if name not in WITH_INTERVAL:
                ends = NONE[1:]
            elif name in SHARES:
                ends = share_interval(mean, replicates, units - 1, items, units)
            else:
                coin = steps.get(name, 0.0) ** 2 / (4 * items * units)
                ends = bootstrap_interval(mean, replicates, units - 1, coin, 1 - units / items)
            found[name] = (float(mean), *ends)
    return found
