"""Intervals of item changes cover the truth, also where items share clusters."""

import numpy as np
import pandas as pd
import pytest

from lethe.longtables.change_columns import KNOWN
from lethe.metrics.item_changes import Answers, item_values
from lethe.metrics.item_intervals import estimates
from lethe.metrics.resamples import draw_items

K, KNOWS, LOSES, REGAINS = 4, 0.7, 0.3, 0.1
STUDIES = 300


def state(draw, share, clusters, each, like) -> np.ndarray:
    """Whether each item is in a state: items of a cluster are alike with probability `like`."""
    whole = np.repeat(draw.random(clusters), each)
    own = draw.random(clusters * each)
    return np.where(draw.random(clusters * each) < like, whole, own) < share


def study(seed: int, clusters: int, each: int, like: float, scale: float = 1.0) -> dict:
    """Estimates of one study of the know-or-guess model with new guesses."""
    draw = np.random.default_rng([seed, clusters, each])
    n = clusters * each
    knew = state(draw, KNOWS, clusters, each, like)
    lost = knew & state(draw, LOSES * scale, clusters, each, like)
    regained = ~knew & state(draw, REGAINS * scale, clusters, each, like)
    right = knew | (draw.random(n) < 1 / K)
    now = (knew & ~lost) | regained | (draw.random(n) < 1 / K)
    drift = np.repeat(draw.normal(0.5, 1, clusters), each) * like + draw.normal(0, 1, n)
    nothing = np.full(n, np.nan)
    before = Answers(right.astype(float), nothing, np.zeros(n))
    after = Answers(now.astype(float), nothing, -drift)
    names = np.repeat([f"c{number:03d}" for number in range(clusters)], each)
    items = draw_items("set", pd.DataFrame({"cluster_id": names}), seed, 200)
    values = item_values(before, after, np.full(n, K))
    steps = dict.fromkeys(KNOWN, K / (K - 1))
    return estimates(values, items, np.ones(n, dtype=bool), steps)


def truth(like: float) -> dict[str, float]:
    lost, regained = KNOWS * LOSES, (1 - KNOWS) * REGAINS
    unknown = 1 - KNOWS - regained
    by_chance = unknown * (K - 1) / K**2
    return {
        "knew": KNOWS,
        "lost": lost * (K - 1) / K + by_chance,
        "regained": regained * (K - 1) / K + by_chance,
        "lost_r0": lost,
        "regained_r0": regained,
        "drift": 0.5 * like,
    }


@pytest.mark.parametrize(("clusters", "each", "like"), [(120, 1, 0.0), (40, 4, 0.7), (12, 8, 0.6)])
def test_intervals_cover_what_they_say(clusters, each, like):
    covered = dict.fromkeys(truth(like), 0)
    for seed in range(STUDIES):
        found = study(seed, clusters, each, like)
        for name, true in truth(like).items():
            covered[name] += found[name].low <= true <= found[name].high
    # Three standard errors of a share of 0.95 of STUDIES.
    least = 0.95 - 3 * (0.95 * 0.05 / STUDIES) ** 0.5
    assert {name: count for name, count in covered.items() if count < least * STUDIES} == {}


def test_nothing_seen_to_change_is_no_certainty():
    n = 30
    same = Answers(np.ones(n), np.full(n, 1.0), np.zeros(n))
    items = pd.DataFrame({"cluster_id": [f"{number:02d}" for number in range(n)]})
    values = item_values(same, same, np.full(n, K))
    draw = draw_items("set", items, 1, 200)
    found = estimates(values, draw, np.ones(n, dtype=bool), dict.fromkeys(KNOWN, K / (K - 1)))
    assert found["lost"].value == found["lost"].low == 0.0 and 0.05 < found["lost"].high < 0.2
    known = found["lost_r0"]
    assert known.value == 0 and known.low < -0.01 and known.high > 0.01
    drift = found["drift"]
    assert drift.value == 0 and np.isnan([drift.low, drift.high]).all()


def test_items_without_a_number_are_left_out_of_its_mean_alone():
    n = 20
    gold = np.where(np.arange(n) < 10, -1.0, np.nan)
    before = Answers(np.ones(n), np.full(n, np.nan), gold)
    after = Answers(np.zeros(n), np.full(n, np.nan), gold * np.arange(1, n + 1))
    items = pd.DataFrame({"cluster_id": [f"{number:02d}" for number in range(n)]})
    values = item_values(before, after, None)
    found = estimates(values, draw_items("set", items, 1, 50), np.ones(n, dtype=bool), {})
    assert found["drift"].value == pytest.approx(np.mean(np.arange(10)))
    assert np.isnan(found["sign_changed"].value) and found["lost"].value == 1


def test_a_single_cluster_has_no_interval():
    same = Answers(np.ones(4), np.full(4, 1.0), np.zeros(4))
    draw = draw_items("set", pd.DataFrame({"cluster_id": ["a"] * 4}), 1, 50)
    found = estimates(item_values(same, same, None), draw, np.ones(4, dtype=bool), {})
    assert found["lost"].value == 0 and np.isnan([found["lost"].low, found["lost"].high]).all()
