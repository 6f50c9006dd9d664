"""Clusters that are drawn together for several scores, and which of these share some.

Without any table, so it is also there for what compares result files and imports no pandas.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

NAME = "shared clusters"
"""In place of a set's name, where the generator of a draw for several sets is made."""
BETWEEN = "\x1f"
"""Between a cluster's name and its scope: below all letters, so names sort as without scopes."""
Names = tuple[str, ...]
"""Full names of clusters, sorted."""


@dataclass(frozen=True)
class DrawnClusters:
    """The clusters of one score. present: (clusters,) which of those drawn together it has.

    draw: equal for scores whose clusters were drawn together.
    """

    draw: Names
    present: np.ndarray


def plain_names(names: Iterable[str]) -> list[str]:
    """Names without their scopes: draws depend on these alone."""
    return [name.partition(BETWEEN)[0] for name in names]


def number(clusters: Sequence[DrawnClusters]) -> int:
    """How many clusters there are in all, each counted once."""
    present: dict[Names, np.ndarray] = {}
    for one in clusters:
        before = present.get(one.draw)
        present[one.draw] = one.present if before is None else before | one.present
    return sum(int(mask.sum()) for mask in present.values())


def number_behind(clusters: Sequence[DrawnClusters | None], units: Sequence[int]) -> int:
    """How many units there are behind several scores; clusters that some share count once.

    units: of each score, of which those with clusters are counted by these.
    """
    known = [one for one in clusters if one is not None]
    rest = (n for one, n in zip(clusters, units, strict=True) if one is None)
    return number(known) + int(sum(rest))


def apart(clusters: Sequence[DrawnClusters]) -> list[list[int]]:
    """Places of the scores, in groups that share no cluster with each other."""
    if number(clusters) == sum(int(one.present.sum()) for one in clusters):
        return [[place] for place in range(len(clusters))]
    groups: list[list[int]] = []
    for place, one in enumerate(clusters):
        near = [group for group in groups if any(_share(one, clusters[p]) for p in group)]
        groups = [group for group in groups if group not in near]
        groups.append(sorted([place, *(other for group in near for other in group)]))
    return sorted(groups)


def _share(one: DrawnClusters, other: DrawnClusters) -> bool:
    return one.draw == other.draw and bool((one.present & other.present).any())
