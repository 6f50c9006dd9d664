"""Means over sets that share clusters: what their intervals cover, and those taken as independent.

Three sets ask of the same things: what depends on one of them moves all sets alike.
"""

import numpy as np
import pandas as pd
import pytest

from lethe.comparison.both import Items
from lethe.comparison.compared import ability
from lethe.comparison.sets import POINTS, SetChange
from lethe.metrics.cells import Cells, Evaluation
from lethe.metrics.drawn_clusters import DrawnClusters
from lethe.metrics.drops import paired_drop
from lethe.metrics.intervals import mean_interval, resampled_means
from lethe.metrics.item_changes import Answers, item_values
from lethe.metrics.item_intervals import estimates
from lethe.metrics.resampled_probabilities import SameItems, of_set
from lethe.metrics.resamples import draw_items
from lethe.metrics.row_intervals import MEAN_SCORE, row_interval
from lethe.metrics.set_means import OfSet, interval_over_sets

SETS, THINGS, EACH = 3, 24, 6
BEFORE, AFTER = 0.7, 0.5
SIMULATIONS, RESAMPLES = 300, 200
# What covers 95 % is out of these once in some 200 times; the seeds are fixed.
LEAST, MOST = 0.913, 0.985
NAMES = tuple(f"thing{number:02d}" for number in range(THINGS))
CLUSTERS = np.repeat(NAMES, EACH)
ITEMS = pd.DataFrame({"cluster_id": CLUSTERS})
EVERY = np.ones(len(CLUSTERS), dtype=bool)


def answers(draw: np.random.Generator) -> list[np.ndarray]:
    """By set whether each item is right before and after, (items, 2)."""
    known = [draw.beta(2 * share, 2 * (1 - share), THINGS) for share in (BEFORE, AFTER)]
    shares = np.repeat(np.stack(known, axis=1), EACH, axis=0)
    return [(draw.random(shares.shape) < shares).astype(float) for _ in range(SETS)]


def independent(parts: list[OfSet]) -> tuple[float, float]:
    """The interval of a mean as if the sets shared nothing."""
    columns = zip(*((part.value, part.low, part.high) for part in parts), strict=True)
    return mean_interval(*map(np.array, columns))


def require_coverage(ends: list[tuple], naive: list[tuple], truth: float) -> None:
    """Those drawn together hold the truth as often as they say, the others less often."""
    covered, less = (
        np.mean([low <= truth <= high for low, high in each]) for each in (ends, naive)
    )
    assert LEAST <= covered <= MOST and less < 0.88, (covered, less)


@pytest.mark.parametrize(
    ("name", "truth"), [("lost", BEFORE * (1 - AFTER)), ("lost_r0", None), ("drift", 0.5)]
)
def test_changes_of_an_axis(name, truth):
    ends, naive = [], []
    choices = 4
    if truth is None:
        never = (1 - BEFORE) * (1 - AFTER)
        truth = choices / (choices - 1) * (BEFORE * (1 - AFTER) - never / (choices - 1))
    for seed in range(SIMULATIONS):
        draw = np.random.default_rng([seed, 1])
        parts, fall = [], np.repeat(draw.normal(0.5, 1, THINGS), EACH)
        for number, right in enumerate(answers(draw)):
            nothing = np.full(len(right), np.nan)
            before = Answers(right[:, 0], nothing, np.zeros(len(right)))
            after = Answers(right[:, 1], nothing, -fall + draw.normal(0, 1, len(right)))
            values = item_values(before, after, np.full(len(right), choices))
            drawn = draw_items(f"set{number}", ITEMS, seed, RESAMPLES, NAMES)
            found = estimates({name: values[name]}, drawn, EVERY, {"lost_r0": 4 / 3})
            parts.append(found[name])
        ends.append(interval_over_sets(parts, name == "lost"))
        naive.append(independent(parts))
    require_coverage(ends, naive, truth)


def logits(draw: np.random.Generator, sets: int, things: int, each: int) -> list[np.ndarray]:
    """By set log-probabilities of four choices, of which the first is right, (items, 4)."""
    ease = np.repeat(draw.normal(1, 1.5, things), each)
    found = []
    for _ in range(sets):
        raw = draw.normal(0, 1, (things * each, 4))
        raw[:, 0] += ease
        found.append(raw - np.log(np.exp(raw).sum(axis=1, keepdims=True)))
    return found


@pytest.mark.parametrize("name", ["brier", "overconfidence"])
def test_calibration_of_an_axis(name):
    def measured(logprobs, clusters, seed, together):
        items = pd.DataFrame(logprobs, columns=[f"choice_{k}" for k in range(4)])
        items = items.assign(gold_logprob=logprobs[:, 0], cluster_id=clusters, predicted="0")
        rows = np.arange(len(items))[:, None]
        part = SameItems("set", np.array(["base"]), items, rows, seed, RESAMPLES, together)
        drawn = part.drawn("base")
        return of_set(name, drawn.measured[name], drawn)

    things = [f"t{number}" for number in range(60_000)]
    large = pd.DataFrame(logits(np.random.default_rng(0), 1, len(things), 1)[0])
    shares = np.exp(large.to_numpy())
    if name == "brier":
        truth = float(((shares - np.eye(4)[0]) ** 2).sum(axis=1).mean())
    else:
        truth = float((shares.max(axis=1) - (shares.argmax(axis=1) == 0)).mean())
    ends, naive = [], []
    for seed in range(SIMULATIONS):
        draw = np.random.default_rng([seed, 2])
        parts = [measured(one, CLUSTERS, seed, NAMES) for one in logits(draw, SETS, THINGS, EACH)]
        ends.append(interval_over_sets(parts, is_share=False))
        naive.append(independent(parts))
    require_coverage(ends, naive, truth)


def test_the_mean_score_of_an_axis():
    def after(scores: np.ndarray) -> np.ndarray:
        return scores[..., 1, :].mean(-1)

    def interval(values, replicates, clusters):
        cells = Cells(
            [Evaluation("reading", f"set{number}", "", "acc") for number in range(SETS)],
            ["a"],
            values,
            replicates,
            chance=np.full(SETS, np.nan),
            base_stderr=np.zeros(SETS),
            n_items=np.full(SETS, len(CLUSTERS)),
            n_units=np.full(SETS, THINGS),
            units=["item clusters"] * SETS,
            cell_notes=[[] for _ in range(SETS)],
            clusters=clusters,
        )
        columns = list(range(SETS))
        return row_interval(MEAN_SCORE, float(after(values)), cells, columns, after)

    ends, naive = [], []
    drawn_once = dict.fromkeys(range(SETS), DrawnClusters(NAMES, np.ones(THINGS, dtype=bool)))
    for seed in range(SIMULATIONS):
        right = answers(np.random.default_rng([seed, 3]))
        draw = draw_items("set", ITEMS, seed, RESAMPLES, NAMES)
        drawn = np.stack([resampled_means(one, draw.cluster, draw.weights) for one in right], -1)
        values = np.stack([one.mean(axis=0) for one in right], axis=-1)
        ends.append(interval(values, drawn, drawn_once))
        naive.append(interval(values, drawn, {}))
    require_coverage(ends, naive, AFTER)


def changes(right: list[np.ndarray], clusters: list[list[str]]) -> list[SetChange]:
    """The changes of sets as `compare` has them."""
    found = []
    for number, (one, names) in enumerate(zip(right, clusters, strict=True)):
        items = [{"item_id": str(place), "cluster_id": name} for place, name in enumerate(names)]
        before, after = one.T
        scores, numbers = (before.mean(), after.mean()), (len(one), len(one))
        drop = paired_drop(before, after, names)
        of_both = Items(items, items, (before, after))
        found.append(
            SetChange(
                f"set{number}", "a", "acc", scores, numbers, POINTS, True, drop, of_both, None, ""
            )
        )
    return found


def test_the_mean_change_of_an_ability_in_compare():
    ends, naive = [], []
    for seed in range(SIMULATIONS):
        right = answers(np.random.default_rng([seed, 4]))
        found = ability("a", changes(right, [list(CLUSTERS)] * SETS))
        ends.append((found.low, found.high))
        apart = [[f"{number} {name}" for name in CLUSTERS] for number in range(SETS)]
        found = ability("a", changes(right, apart))
        naive.append((found.low, found.high))
    require_coverage(ends, naive, 100 * (AFTER - BEFORE))


def test_sets_that_share_nothing_keep_the_interval_of_independent_ones_to_the_last_bit():
    parts = [OfSet(0.3, 0.2, 0.5), OfSet(0.7, 0.55, 0.9), OfSet(0.1, 0.0, 0.25)]
    assert interval_over_sets(parts, is_share=True) == independent(parts)


def test_a_set_apart_counts_beside_sets_that_share_by_its_number_alone():
    right = answers(np.random.default_rng(5))
    draw = draw_items("set", ITEMS, 0, RESAMPLES, NAMES)
    shared = [estimates({"lost": one[:, 0]}, draw, EVERY, {})["lost"] for one in right[:2]]
    together = interval_over_sets(shared, is_share=True)
    value, alone = np.mean([part.value for part in shared]), OfSet(0.4, 0.3, 0.6)
    low, high = interval_over_sets([*shared, alone], is_share=True)
    mean = (2 * value + 0.4) / 3
    below = np.hypot(2 * (value - together[0]), 0.1) / 3
    above = np.hypot(2 * (together[1] - value), 0.2) / 3
    assert (low, high) == pytest.approx((mean - below, mean + above))


def test_dependent_numbers_of_unknown_kind_have_the_mean_of_their_ends():
    values, lows, highs = np.array([0.2, 0.6]), np.array([0.1, 0.3]), np.array([0.4, 0.9])
    assert mean_interval(values, lows, highs, dependent=True) == pytest.approx((0.2, 0.65))
    apart = mean_interval(values, lows, highs)
    assert apart[0] > 0.2 and apart[1] < 0.65
