"""Prepared rows of end tasks: a text and its class, {id, text, label}.

They are few, and rows move between splits by class, so they are held in memory.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe.errors import UserError
from lethe.sources.loaders.registry import Loader
from lethe.sources.prepared import Counts, Split, examples, left_out
from lethe.sources.reading import RawFiles


@dataclass(frozen=True)
class SplitRule:
    """How the public splits of one end task are rearranged.

    Attributes:
        ratio: approximate share of the training rows that is kept; None: all.
        sizes: the resulting numbers of training and test rows, from the published table.
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
    """Which rows are among the first `most` of their class, [rows]."""
    seen: Counter = Counter()
    chosen = []
    for label in labels:
        seen[label] += 1
        chosen.append(seen[label] <= most)
    return chosen


def apply_rule(
    rule: SplitRule, train: list[dict], dev: list[dict], test: list[dict]
) -> tuple[list[dict], list[dict]]:
    """Training and test rows: dev moves to test, then the first k training rows of each class.

    Rows are {..., label}. The classes are counted over all of them.
    """
    moved = [False] * len(train)
    if rule.ratio is not None:
        classes = len({row["label"] for row in (*train, *dev, *test)})
        most = moved_per_class(len(train), rule.ratio, classes)
        moved = first_of_each_class([row["label"] for row in train], most)
    kept = [row for row, goes in zip(train, moved, strict=True) if not goes]
    added = [row for row, goes in zip(train, moved, strict=True) if goes]
    return kept, [*test, *dev, *added]


def check_sizes(rule: SplitRule, train: int, test: int, where: str) -> None:
    """Refuse data that do not give the published sizes.

    Raises:
        UserError: other sizes; `where` is the key of the source.
    """
    if (train, test) != rule.sizes:
        raise UserError(
            f"{where}: expected {rule.sizes[0]} training and {rule.sizes[1]} test rows after the "
            f"split of Ke et al. 2023, found {train} and {test}; to use other files, set "
            f"{where}.parameters.any_size to true."
        )


def require_splits(loader: Loader, raw: RawFiles) -> None:
    """Refuse a source without a split that its loader needs.

    Raises:
        UserError: names the first that is missing.
    """
    for name in loader.needed:
        if name not in raw:
            found = ", ".join(raw) or "none"
            raise UserError(f"{loader.where}: the split {name} is missing (found {found}).")


def ruled_splits(loader: Loader, raw: RawFiles) -> tuple[dict[str, list[dict]], dict[str, Any]]:
    """Rows by split, and the manifest's entry for each split.

    Args:
        loader: has the parameters `split`, a name of `KE2023` or None, and `any_size`.
        raw: files by split.

    Raises:
        UserError: missing splits or columns, or other numbers of rows than the rule expects.
    """
    require_splits(loader, raw)
    published: dict[str, list[dict]] = {}
    counts: dict[str, Counts] = {}
    for name in raw:
        counts[name] = Counts()
        split = Split(name, name, raw[name], columns=loader.values["columns"])
        published[name] = list(examples(loader, split, counts[name]))
    kept = _ruled(loader, published)
    for name, rows in kept.items():
        if not rows:
            raise UserError(f"{loader.where}: the split {name} has no row with a text and a label.")
    facts = {}
    for name in kept:
        read = ["test", "validation"] if name == "test" and "validation" not in kept else [name]
        sources = [(raw[part], counts[part]) for part in read if part in raw]
        facts[name] = _facts(sources, len(kept[name]))
    return {name: _numbered(name, rows) for name, rows in kept.items()}, facts


def _ruled(loader: Loader, published: dict[str, list[dict]]) -> dict[str, list[dict]]:
    name = loader.values["split"]
    if name is None:
        return published
    train, test = apply_rule(
        KE2023[name], published["train"], published.get("validation", []), published["test"]
    )
    if not loader.values["any_size"]:
        check_sizes(KE2023[name], len(train), len(test), loader.where)
    return {"train": train, "test": test}


def _numbered(split: str, rows: list[dict]) -> list[dict]:
    return [{"id": f"{split}-{place}", **row} for place, row in enumerate(rows)]


def _facts(sources: list[tuple[dict[str, list[Path]], Counts]], written: int) -> dict[str, Any]:
    """`written` differs from `kept` by the rows that moved between train and test."""
    dropped = sum((counts.dropped for _, counts in sources), Counter())
    read = sum(counts.read for _, counts in sources)
    files = [file.name for parts, _ in sources for part in parts.values() for file in part]
    return {
        "files": sorted(files),
        "read": read,
        "kept": read - dropped.total(),
        "dropped": dict(dropped),
        "left_out": "; ".join(filter(None, (left_out(counts) for _, counts in sources))),
        "written": {"text": written},
    }
