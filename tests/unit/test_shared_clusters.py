"""Clusters that several evaluation sets share: which are drawn together, and for which chains."""

import numpy as np
import pandas as pd

from lethe.metrics.drawn_clusters import DrawnClusters, apart, number
from lethe.metrics.resamples import draw_items
from lethe.metrics.shared_clusters import drawn_together


def table(*rows: tuple[str, str]) -> pd.DataFrame:
    """Items of (checkpoint, cluster)."""
    frame = pd.DataFrame(rows, columns=["node", "cluster_id"])
    return frame.assign(item_id=[f"i{number}" for number in range(len(frame))])


def test_only_sets_that_share_a_cluster_on_a_checkpoint_are_drawn_together():
    items = {
        "a": table(("w1", "zor"), ("w1", "kel"), ("w2", "pim")),
        "b": table(("w1", "kel"), ("w1", "mul"), ("w2", "tas")),
        "c": table(("w1", "mul"), ("w1", "ron"), ("w2", "zor")),
        "d": table(("w1", "far")),
    }
    found = drawn_together(items, items)
    # a and c meet in b. In the other world none share a stem, though zor is one of this world's.
    stems = ("kel", "mul", "ron", "zor")
    assert found == {("a", "w1"): stems, ("b", "w1"): stems, ("c", "w1"): stems}


def test_one_draw_serves_all_sets_and_is_that_of_each_alone_in_spread():
    together = tuple(f"stem{number:02d}" for number in range(36))
    sets = [table(*(("w1", name) for name in together[first : first + 12])) for first in (0, 6)]
    one, other = (draw_items(str(n), items, 0, 4000, together) for n, items in enumerate(sets))
    assert np.array_equal(one.weights, other.weights)
    common = slice(6, 12)
    assert np.array_equal(one.weights[:, one.cluster[common]], other.weights[:, common])
    # A mean over twelve stems of which six are right: its standard error is that of twelve.
    right = np.repeat([0.0, 1.0], 6)
    weights = one.weights[:, one.cluster]
    means = weights @ right / weights.sum(1)
    assert abs(np.nanstd(means) / np.sqrt(0.25 / 11) - 1) < 0.05


def test_clusters_count_once_and_groups_share_none():
    masks = ([1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1])
    found = [DrawnClusters(("stems",), np.array(mask, dtype=bool)) for mask in masks]
    found.append(DrawnClusters(("others",), np.ones(4, dtype=bool)))
    assert number(found) == 8
    assert apart(found) == [[0, 1], [2], [3]]
    assert apart(found[1:]) == [[0], [1], [2]]
