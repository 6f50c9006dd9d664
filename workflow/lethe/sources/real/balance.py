"""Fours by split, chosen so that no likeness of question and choice shows the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lethe.errors import UserError
from lethe.sources.real.quads import SIZE, Asked
from lethe.sources.real.shortcuts import COMPARING
from lethe.sources.world.shortcuts import accuracy

Four = tuple[Asked, ...]
MARGIN, SLACK = 0.02, 1.0
"""Above chance, a shortcut may be right in this share of the items, and in so many more."""
LEAST = 5
"""Fours of a set, of which one is for dev."""


def balanced(groups: Sequence[Four], count: int) -> list[Four]:
    """The first fours of which no shortcut that compares them with their questions gains.

    A four with which a shortcut would be right too often, among those taken before, is left out.
    """
    taken: list[Four] = []
    right: Counter[str] = Counter()
    for four in groups:
        if len(taken) == count:
            break
        answers = [one.answer for one in four]
        rows = [
            {"context": one.context, "choices": answers, "answer": place}
            for place, one in enumerate(four)
        ]
        more = {label: SIZE * accuracy(rows, score) for label, score in COMPARING.items()}
        allowed = (1 / SIZE + MARGIN) * SIZE * (len(taken) + 1) + SLACK
        if all(right[label] + more[label] <= allowed for label in more):
            taken.append(four)
            right.update(more)
    return taken


def split_fours(
    groups: list[Four], items: dict[str, int], name: str, needed: bool = True
) -> dict[str, list[Four]]:
    """Balanced fours by split, `items` of each, rounded down to whole fours.

    needed: whether fewer than that is a mistake; else dev has what test leaves, but a fifth at
        least of the little that there is.

    Raises:
        UserError: there are too few.
    """
    test, dev = items["test"] // SIZE, items["dev"] // SIZE
    if not needed:
        test = min(test, len(groups) - min(dev, len(groups) // 5))
    found = balanced(groups, test)
    left = [four for four in groups if four not in found]
    split = {"test": found, "dev": balanced(left, dev)}
    total = sum(len(fours) for fours in split.values())
    if total < (test + dev if needed else LEAST):
        raise UserError(
            f"Expected {(test + dev) * SIZE} questions for {name}, found {total * SIZE} in the "
            "packages: lower `items` in the parameters of the source."
        )
    return split
