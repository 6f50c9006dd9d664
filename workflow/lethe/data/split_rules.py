"""How Ke et al. 2023 split the labelled rows of their end tasks.

The published tables of sizes (README of UIC-Liu-Lab/ContinualLM) do not fit the public splits; they
come of the released dataloader, whose arithmetic is written out here. It depends on the order of
the rows, so files must be left in the order in which they were published.
"""

from collections import Counter
from dataclasses import dataclass

from lethe.errors import UserError


@dataclass(frozen=True)
class SplitRule:
    """What is done to the public splits of one end task.

    Attributes:
        ratio: share of the training rows that is kept, about; None: all are.
        sizes: training and test rows that come of it, by the published table.
    """

    ratio: float | None
    sizes: tuple[int, int]


KE2023 = {
    "aclarc": SplitRule(0.9, (1520, 421)),
    "scierc": SplitRule(0.7, (2260, 2388)),
    "chemprot": SplitRule(0.5, (2667, 7398)),
    "restaurant": SplitRule(None, (3452, 1120)),
    "phone": SplitRule(0.7, (239, 553)),
    "camera": SplitRule(0.8, (230, 626)),
}


def moved_per_class(rows: int, ratio: float, classes: int) -> int:
    """Rows of every class that go from train to test: int(rows * (1 - ratio) // classes)."""
    return int(rows * (1 - ratio) // classes)


def first_of_each_class(labels: list[str], most: int) -> list[bool]:
    """Which rows are among the first `most` of their class, [rows]; a small class goes whole."""
    seen: Counter = Counter()
    chosen = []
    for label in labels:
        seen[label] += 1
        chosen.append(seen[label] <= most)
    return chosen


def apply_rule(
    rule: SplitRule, train: list[dict], dev: list[dict], test: list[dict]
) -> tuple[list[dict], list[dict]]:
    """Training and test rows: dev goes to test, then the first k rows of each class do.

    Rows are {..., label}. The classes are counted over all of them.
    """
    moved = [False] * len(train)
    if rule.ratio is not None:
        classes = len({row["label"] for row in (*train, *dev, *test)})
        most = moved_per_class(len(train), rule.ratio, classes)
        moved = first_of_each_class([row["label"] for row in train], most)
    kept = [row for row, goes in zip(train, moved, strict=True) if not goes]
    gone = [row for row, goes in zip(train, moved, strict=True) if goes]
    return kept, [*test, *dev, *gone]


def check_sizes(rule: SplitRule, train: int, test: int, where: str) -> None:
    """Refuse data that do not give the published sizes.

    Raises:
        UserError: other sizes; `where` is the key of the source.
    """
    if (train, test) != rule.sizes:
        raise UserError(
            f"{where}: expected {rule.sizes[0]} training and {rule.sizes[1]} test rows after the "
            f"split of Ke et al. 2023, found {train} and {test}; with other files, set "
            f"{where}.parameters.any_size to true."
        )
