"""Clusters that several evaluation sets of a checkpoint share, such as stems of several domains.

What depends on one cluster depends on it in every set that has items of it. So it is drawn once for
all of them, and a mean over these sets is over the clusters of all, each counted once.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from lethe.longtables.items import CLUSTERS, SCOPE, ItemTables
from lethe.metrics.drawn_clusters import BETWEEN, Names

Place = tuple[str, str]
"""Evaluation set, checkpoint."""


def full_names(items: pd.DataFrame) -> np.ndarray:
    """The name of each item's cluster, (items,), with its scope behind it where it has one.

    So the clusters `0`, `1`, ... of unrelated sets are not taken for the same.
    """
    names = items["cluster_id"].astype(object)
    if SCOPE not in items:
        return names.to_numpy()
    scopes = items[SCOPE].astype(object)
    return np.where(scopes == "", names, names + BETWEEN + scopes)


def drawn_together(items: Mapping[str, pd.DataFrame], probes: Iterable[str]) -> dict[Place, Names]:
    """The sorted clusters to draw for a set on a checkpoint; absent where it shares none.

    Sets are drawn together if they share a cluster on a checkpoint, or both do with a third one.
    Worlds have stems of their own, and those of one world are drawn without the others.
    """
    found = {probe: _clusters(items, probe) for probe in probes}
    first: dict[str, str] = {}
    repeated = {
        name
        for probe, of_nodes in found.items()
        for name in frozenset().union(*of_nodes.values())
        if first.setdefault(name, probe) != probe
    }
    if not repeated:
        return {}
    groups: dict[tuple[str, frozenset[str]], list] = {}
    by_node: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for probe, of_nodes in found.items():
        for node, names in of_nodes.items():
            if not names.isdisjoint(repeated):
                by_node.setdefault(node, []).append((probe, names))
                groups.setdefault((probe, names), [(probe, names)])
    for sets in {frozenset(sets) for sets in by_node.values()}:
        _join(sets, groups)
    # Once for each group: checkpoints are many, and so are the names of a large set.
    together = {
        id(group): tuple(sorted(frozenset().union(*(names for _, names in group))))
        for group in {id(group): group for group in groups.values()}.values()
    }
    return {
        (probe, node): together[id(group)]
        for node, sets in by_node.items()
        for probe, names in sets
        if len(group := groups[probe, names]) > 1
    }


def _clusters(items: Mapping[str, pd.DataFrame], probe: str) -> dict[str, frozenset[str]]:
    """The clusters of a set's items by checkpoint."""
    read = items.clusters if isinstance(items, ItemTables) else items.__getitem__
    pairs = read(probe)
    pairs = pairs[[name for name in CLUSTERS if name in pairs]].drop_duplicates()
    nodes, full = pairs["node"].astype(object), pd.Series(full_names(pairs), pairs.index)
    # Checkpoints have the same clusters nearly always; they are held once.
    same: dict[frozenset[str], frozenset[str]] = {}
    return {
        str(node): same.setdefault(names := frozenset(of_node), names)
        for node, of_node in full.groupby(nodes)
    }


def _join(sets: Iterable[tuple[str, frozenset[str]]], groups: dict) -> None:
    """Make one group of those whose sets share a cluster; groups are lists that members share."""
    listed = sorted(sets, key=lambda one: one[0])
    for place, one in enumerate(listed):
        for other in listed[:place]:
            if one[1].isdisjoint(other[1]) or groups[one] is groups[other]:
                continue
            joined = groups[one] + groups[other]
            for member in joined:
                groups[member] = joined
