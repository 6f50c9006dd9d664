"""Intervals of estimates that are means over single items, with the draw of their clusters."""

from collections.abc import Mapping

import numpy as np

from lethe.longtables.change_columns import SHARES, WITH_INTERVAL
from lethe.metrics.intervals import bootstrap_interval, resampled_means, share_interval
from lethe.metrics.resamples import ItemDraw
from lethe.metrics.set_means import OfSet, Resampled

NO_ENDS = (float("nan"),) * 2
NONE = OfSet(float("nan"), *NO_ENDS)


def estimates(
    values: Mapping[str, np.ndarray],
    draw: ItemDraw,
    mask: np.ndarray,
    steps: Mapping[str, float],
) -> dict[str, OfSet]:
    """The mean of each array of items with its interval; items of which it is nan are left out.

    SHARES have Wilson's interval and all others Student's t, as in `intervals`; the ends are nan
    where a single cluster is left, and of what is shown without them.

    Args:
        values: by name, arrays as of `item_changes.item_values`, of the items of the mask.
        mask: which of all items of the draw these are.
        steps: by name, how far one changed answer moves an item's value: what a coin toss for one
            more item adds to the spread.
    """
    found = dict.fromkeys(values, NONE)
    chosen = np.flatnonzero(mask)
    known = {name: ~np.isnan(array) for name, array in values.items()}
    cluster = draw.cluster[mask]
    for places in {has.tobytes(): has for has in known.values() if has.any()}.values():
        names = [name for name, has in known.items() if np.array_equal(has, places)]
        table = np.stack([values[name][places] for name in names], axis=1)
        moved = resampled_means(table, cluster[places], draw.weights)
        items, units = len(table), len(np.unique(cluster[places]))
        clusters = draw.clusters(chosen[places])
        for name, mean, replicates in zip(names, table.mean(0), moved.T, strict=True):
            coin = steps.get(name, 0.0) ** 2 / (4 * items * units)
            if name not in WITH_INTERVAL:
                ends = NO_ENDS
            elif name in SHARES:
                ends = share_interval(mean, replicates, units - 1, items, units)
            else:
                ends = bootstrap_interval(mean, replicates, units - 1, coin, 1 - units / items)
            drawn = Resampled(replicates, clusters, items, coin) if clusters else None
            found[name] = OfSet(float(mean), *ends, drawn)
    return found
