"""Which interval a statistic gets, and the range in which it stays."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lethe.metrics.cells import Cells, Evaluation
from lethe.metrics.intervals import share_interval
from lethe.metrics.row_intervals import REGISTERED, interval_notes, row_interval, share_range

DROP = REGISTERED["drop_points"].function


def cells(values, spread=0.0, items=100, units=100):
    """One set at the base and after a stage, with replicates that all move together."""
    values = np.array(values, dtype=float)[:, None]
    replicates = values + spread * np.array([-1.0, 1.0])[:, None, None]
    return Cells(
        evaluations=[Evaluation("reading", "set", "", "acc")],
        history=["task"],
        values=values,
        replicates=replicates,
        chance=np.array([0.25]),
        base_stderr=np.zeros(1),
        n_items=np.array([items]),
        n_units=np.array([units]),
        units=["item clusters"],
        cell_notes=[[]],
    )


def test_a_bleu_near_zero_is_no_less_certain_than_as_many_coins():
    """Its sentences spread by 1e-4 where it is 1e-8, as if it were less than one item's."""
    bleu = cells([1e-8, 1e-8], spread=1e-4, items=120, units=120)
    drawn = np.clip(bleu.replicates, 0, 1)
    bleu = replace(bleu, evaluations=[Evaluation("own", "set", "", "bleu")], replicates=drawn)
    low, high = row_interval("score_bleu", 1e-8, bleu, [0], lambda scores: scores[..., 0, 0])
    assert low == pytest.approx(0)
    assert high == pytest.approx(share_interval(0.0, np.zeros(2), 119, 120, 120)[1], abs=2e-4)


def test_a_mean_of_unequal_sets_may_spread_more_than_coins_of_all_their_items():
    """Half of its weight is on 60 of 2,060 items."""
    small, large = cells([0.5, 0.5], 0.0645, 60, 60), cells([0.5, 0.5], 0.0112, 2000, 2000)
    low, high = row_interval(
        "acc", 0.5, together(small, large), [0, 1], lambda scores: scores[..., 0, :].mean(-1)
    )
    assert (high - low) / 2 == pytest.approx(0.5 * 1.98 * np.hypot(0.0645, 0.0112), rel=0.05)


def test_a_hundred_items_of_which_none_changed_leave_half_an_item_open():
    low, high = row_interval("drop_points", 0.0, cells([0.9, 0.9]), [0], DROP)
    half = 100 * stats.t.ppf(0.975, 99) * np.sqrt(0.5) / 100
    assert (low, high) == pytest.approx((-half, half))


def test_a_relative_drop_leaves_the_same_open_relative_to_the_base():
    points = row_interval("drop_points", 0.0, cells([0.5, 0.5]), [0], DROP)
    last = row_interval("fg_last", 0.0, cells([0.5, 0.5]), [0], REGISTERED["fg_last"].function)
    assert last == pytest.approx((2 * points[0], 2 * points[1]), rel=1e-4)


def test_scores_beyond_1_get_students_interval_without_a_range():
    percent = cells([90.0, 90.0], spread=4.0)
    low, high = row_interval("score_sari", 90.0, percent, [0], lambda scores: scores[..., 0, 0])
    assert high - 90 == pytest.approx(4 * stats.t.ppf(0.975, 99)) == pytest.approx(90 - low)


def test_a_score_has_the_interval_of_a_share():
    found = row_interval("score_acc", 1.0, cells([1, 1]), [0], lambda scores: scores[..., 0, 0])
    assert found == share_interval(1.0, np.ones(2), 99, 100, 100) and found[0] < 1 == found[1]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("drop_points", -100, 100), ("fg_luo", None, 100), ("bwt_gem", -1, 1), ("rem_diaz", 0, 1)],
)
def test_an_interval_is_cut_at_the_range_of_its_statistic(name, low, high):
    far = cells([0.5, 0.5], spread=0.5, units=2)
    wide = {"fg_luo": 300.0, "drop_points": 300.0}.get(name, 3.0)

    def statistic(scores):
        return wide * (scores[..., 0, 0] - 0.5)

    found = row_interval(name, 0.5, far, [0], statistic)
    assert found[1] == high
    assert found[0] == low if low is not None else found[0] < -1000


def together(*sets):
    """Several sets in one run."""
    return Cells(
        evaluations=[Evaluation("reading", f"set{place}", "", "acc") for place in range(len(sets))],
        history=["task"],
        values=np.concatenate([part.values for part in sets], axis=1),
        replicates=np.concatenate([part.replicates for part in sets], axis=2),
        chance=np.concatenate([part.chance for part in sets]),
        base_stderr=np.zeros(len(sets)),
        n_items=np.concatenate([part.n_items for part in sets]),
        n_units=np.concatenate([part.n_units for part in sets]),
        units=["items"] * len(sets),
        cell_notes=[[]] * len(sets),
    )


def test_a_mean_of_sets_is_as_uncertain_as_its_smallest_one_alone():
    """Twenty items that are all right, beside thousands, leave half of what they leave alone."""
    small, large = cells([1, 1], items=20, units=20), cells([0.5, 0.5], items=10**6, units=10**6)

    def mean(scores):
        return scores[..., 0, :].mean(-1)

    alone = row_interval("score_acc", 1.0, small, [0], lambda scores: scores[..., 0, 0])
    low, high = row_interval("acc", 0.75, together(small, large), [0, 1], mean)
    assert 0.75 - low == pytest.approx((1 - alone[0]) / 2, rel=0.01)
    assert high == pytest.approx(0.75, abs=0.01)


def test_a_mean_over_sets_is_no_more_certain_for_a_set_whose_items_are_all_alike():
    """As of learning accuracy, where one task is wholly learned and one gets one output for all."""
    alike, right = cells([0.75, 0.75], items=60, units=60), cells([1, 1], items=60, units=60)
    alone = row_interval("score_sari", 0.75, alike, [0], lambda scores: scores[..., 0, 0])
    low, high = row_interval(
        "la", 0.875, together(alike, right), [0, 1], lambda scores: scores[..., 0, :].mean(-1)
    )
    assert alone[1] > 0.76 and high == pytest.approx(0.875 + (alone[1] - 0.75) / 2)
    of_one = row_interval("score_acc", 1.0, right, [0], lambda scores: scores[..., 0, 0])
    assert 0.875 - low == pytest.approx(np.hypot(0.75 - alone[0], 1 - of_one[0]) / 2)


def test_losses_that_are_all_alike_have_no_interval_and_a_note_says_why():
    losses = cells([2.5, 2.5])
    ends = row_interval("loss", 2.5, losses, [0], lambda scores: scores[..., 0, 0])
    assert np.isnan(ends).all()
    assert interval_notes(ends[0], losses, [0]) == ["all items alike, no interval"]


def test_a_mean_of_unequal_weights_stays_within_0_and_1():
    """As of fwt_diaz, which reads no cell of the first task."""
    both = together(cells([0.9, 0.1], 0.08, 20, 20), cells([0.0, 0.0], items=9, units=9))

    def weighted(scores):
        return (scores[..., 1, 0] + 3 * scores[..., 1, 1]) / 4

    low, high = row_interval("fwt_diaz", 0.025, both, [0, 1], weighted)
    assert 0 <= low < 0.025 and 0.2 < high < 0.5
    assert row_interval("aia", 0.9, both, [0, 1], lambda scores: scores[..., 0, 0]) == row_interval(
        "score_acc", 0.9, both, [0], lambda scores: scores[..., 0, 0]
    )


def test_a_set_of_few_clusters_brings_its_few_degrees_into_a_drop_over_sets():
    few, many = cells([0.5, 0.5], 0.2, 90, 3), cells([0.5, 0.5], 1e-6, 10**6, 10**6)
    both = together(few, many)
    low, high = row_interval(
        "drop_points", 0.0, both, [0, 1], lambda s: 100 * s[..., 0, :].mean(-1)
    )
    error = 100 * np.hypot(0.1, np.sqrt(1 / (4 * 270)) / 2)
    half = stats.t.ppf(0.975, 2) * error
    assert (low, high) == pytest.approx((-half, half), rel=0.01)
    assert interval_notes(low, both, [0, 1]) == ["fewer than 8 clusters"]


def test_few_clusters_are_noted_and_a_single_one_has_no_interval():
    assert interval_notes(0.1, cells([1, 1], units=7), [0]) == ["fewer than 8 clusters"]
    assert interval_notes(0.1, cells([1, 1], units=8), [0]) == []
    single = cells([0.5, 0.5], units=1)
    ends = row_interval("drop_points", 0.0, single, [0], DROP)
    assert np.isnan(ends).all()
    assert interval_notes(ends[0], single, [0]) == ["a single cluster, no interval"]


def test_seeds_of_scores_are_bounded_and_those_of_other_numbers_are_not():
    assert share_range([0.0, 0.4, 1.0]) == (0, 1)
    assert share_range([20.0, 99.0], 100) == (0, 100)
    assert share_range([0.2, 1.1]) == share_range([-0.1, 0.5]) == (-np.inf, np.inf)
