"""The items of one set that both checkpoints answered, and whether its scores are their means."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lethe.longtables.axes import TOKENS
from lethe.metrics.corpus_level import BY_TOKEN, NATS, SAME
from lethe.metrics.drawn_clusters import BETWEEN
from lethe.metrics.item_changes import Answers

ROUNDED = 0.01
"""How far a score that was rounded may be from the mean of its samples."""
NO_TOKENS = "the texts have no token that is predicted"


@dataclass(frozen=True)
class Items:
    """The items of a set that both checkpoints answered; arrays (items,) before and after.

    tokens: (items,) by which each counts in a mean over tokens; None where all count alike.
    """

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    values: tuple[np.ndarray, np.ndarray]
    cluster_source: str = ""
    tokens: np.ndarray | None = None

    @property
    def means(self) -> tuple[float, float]:
        """The scores before and after over these items."""
        first, second = (float(np.average(v, weights=self.tokens)) for v in self.values)
        return first, second

    @property
    def full_clusters(self) -> list[str]:
        """Names that tell apart the clusters of unrelated sets."""
        source = f"{BETWEEN}{self.cluster_source}" if self.cluster_source else ""
        return [
            item["cluster_id"] + (source if item["cluster_id"] != item["item_id"] else "")
            for item in self.before
        ]

    @property
    def clusters(self) -> list[str]:
        return [item["cluster_id"] for item in self.before]

    @cached_property
    def choices(self) -> np.ndarray | None:
        """(items,) number of choices; None unless every item has some."""
        counts = [len(item.get("choice_logprobs") or ()) for item in self.before]
        return np.array(counts) if counts and min(counts) > 1 else None

    def answers(self, place: int) -> Answers:
        """The answers before (0) or after (1)."""
        items = (self.before, self.after)[place]
        margin, gold = (
            np.array([np.nan if item.get(name) is None else item[name] for item in items], float)
            for name in ("margin", "gold_logprob")
        )
        return Answers(self.values[place], margin, gold)


def row_of(result: dict, metric: str) -> dict:
    """The score over all items of a set."""
    return next(r for r in result["scores"] if r["metric"] == metric and not r["subset"])


def items_of_both(results: tuple[dict, dict], metric: str) -> tuple[Items | None, list[str]]:
    """The items that both have with a value of the metric, in the order of their ids."""
    found = [
        {i["item_id"]: i for i in result["items"] if _value(i, metric) is not None}
        for result in results
    ]
    both = sorted(found[0].keys() & found[1].keys())
    if not both:
        if all(found):
            return None, ["no item is in both: the questions are other ones"]
        return None, []
    sides = [[side[name] for name in both] for side in found]
    values = [np.array([_value(item, metric) for item in side], dtype=float) for side in sides]
    source = results[0].get("cluster_source", "")
    counts = [_tokens(side, metric) for side in sides]
    if why := _why_no_tokens(*counts):
        return None, [why]
    return Items(sides[0], sides[1], (values[0], values[1]), source, counts[0]), []


def _tokens(items: list[dict[str, Any]], metric: str) -> np.ndarray | None:
    """What each item counts for in a mean over tokens; None for another mean, or if not known."""
    counts = [_value(item, TOKENS) for item in items] if metric in BY_TOKEN else [None]
    return None if None in counts else np.array(counts, dtype=float)


def _why_no_tokens(first: np.ndarray | None, second: np.ndarray | None) -> str:
    """Why texts cannot be paired by their tokens; empty if they can, or none has a number of them.

    first, second: (items,) before and after, as of `_tokens`.
    """
    if first is None and second is None:
        return ""
    if first is None or second is None:
        when = "before" if first is None else "after"
        return f"how many tokens the texts have is not known {when}"
    if not np.array_equal(first, second):
        return "the texts have other numbers of tokens before and after"
    return "" if first.any() else NO_TOKENS


def _value(item: dict, metric: str) -> float | None:
    return item.get(metric) if metric in NATS else (item.get("metrics") or {}).get(metric)


def contradiction(results: tuple[dict, dict], metric: str) -> str:
    """Why there is no verdict from a score that its own samples contradict; empty if they do not.

    Only of metrics that are plain means, and where all samples have a value.
    """
    for when, result in zip(("before", "after"), results, strict=True):
        values = [_value(item, metric) for item in result["items"]]
        row = row_of(result, metric)
        if metric not in result.get("plain_means", ()) or len(values) != row["n"]:
            continue
        known = [value for value in values if value is not None]
        if len(known) == len(values) > 0 and abs(np.mean(known) - row["value"]) > ROUNDED:
            return (
                f"no verdict: the {metric} of its {len(values)} samples {when} has mean "
                f"{np.mean(known):.4g} and the score is {row['value']:.4g}; the file was altered, "
                "or the samples are of another run"
            )
    return ""


def why_no_means(items: Items | None, results: tuple[dict, dict], metric: str) -> str:
    """Why the scores are not the means of all items' values; empty if they are."""
    for when, result in zip(("before", "after"), results, strict=True):
        row, values = row_of(result, metric), [_value(item, metric) for item in result["items"]]
        known_items = [i for i in result["items"] if _value(i, metric) is not None]
        known_values = np.array([_value(item, metric) for item in known_items], dtype=float)
        if not values:
            return f"no samples {when}"
        if not len(known_values):
            return f"samples {when} hold no {metric}"
        tokens = _tokens(known_items, metric)
        if tokens is not None and not tokens.any():
            return NO_TOKENS
        mean = float(np.average(known_values, weights=tokens))
        if len(known_values) < len(values) or abs(mean - row["value"]) > SAME:
            of = f"{len(known_values)} of {row['n']} samples {when}"
            return f"the {metric} of {of} has mean {mean:.4g}, the score is {row['value']:.4g}"
    return "" if items is not None else "no item is in both"
