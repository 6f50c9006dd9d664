"""Bootstrap, t-intervals, paired tests and Holm's correction, against naive or known values."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from lethe.errors import UserError
from lethe.metrics.comparisons import holm, paired_difference, sign_flip_test, t_test
from lethe.metrics.intervals import (
    bootstrap_interval,
    cluster_weights,
    item_generator,
    mean_interval,
    resampled_means,
    share_interval,
    t_interval,
)


def test_a_resampled_mean_is_the_mean_over_the_items_of_the_drawn_clusters():
    rng = np.random.default_rng(0)
    values, cluster = rng.random((20, 3)), rng.integers(0, 6, 20)
    weights = cluster_weights(6, 40, rng)
    means = resampled_means(values, cluster, weights)
    for resample in range(40):
        drawn = np.concatenate(
            [
                np.flatnonzero(cluster == c)
                for c in range(6)
                for _ in range(int(weights[resample, c]))
            ]
        )
        assert means[resample] == pytest.approx(values[drawn].mean(0))


def test_each_resample_draws_one_cluster_fewer_than_there_are():
    weights = cluster_weights(9, 50, np.random.default_rng(1))
    assert (weights.sum(1) == 8).all() and (weights >= 0).all()


def test_resampled_means_spread_as_the_unbiased_standard_error_of_few_clusters():
    values = np.random.default_rng(0).random(8)
    weights = cluster_weights(8, 20_000, np.random.default_rng(0))
    means = resampled_means(values[:, None], np.arange(8), weights)[:, 0]
    assert means.std() == pytest.approx(stats.sem(values), rel=0.02)


def test_a_bootstrap_interval_without_skew_is_students():
    values = np.random.default_rng(0).normal(size=10)
    replicates = values.mean() + stats.sem(values) * np.array([-1.0, 1.0])
    expected = stats.t.interval(0.95, 9, values.mean(), stats.sem(values))
    assert bootstrap_interval(values.mean(), replicates, 9) == pytest.approx(expected)


def test_skew_moves_the_end_on_its_side_outwards_and_keeps_the_other():
    away = np.array([-1.0, -1.0, 2.0])  # skewness 1 / sqrt(2)
    low, high = bootstrap_interval(0.0, away, 7)
    t, error = stats.t.ppf(0.975, 7), np.sqrt(2)
    assert low == pytest.approx(-t * error)
    assert high == pytest.approx((t + (1 + 2 * t**2) / 6 / np.sqrt(2)) * error)
    assert bootstrap_interval(0.0, -away, 7) == pytest.approx((-high, -low))


def test_replicates_that_are_not_finite_are_left_out():
    replicates = np.array([0.1, 0.2, 0.4])
    beside = np.concatenate([replicates, [np.nan, np.inf, -np.inf]])
    assert bootstrap_interval(0.2, beside, 5) == bootstrap_interval(0.2, replicates, 5)
    assert np.isnan(bootstrap_interval(0.2, np.full(3, np.nan), 5)).all()


def test_a_single_cluster_has_no_interval():
    assert np.isnan(bootstrap_interval(0.5, np.full(9, 0.5), 0)).all()
    assert np.isnan(share_interval(0.5, np.full(9, 0.5), 0, items=20, clusters=1)).all()


def test_a_set_that_is_all_right_has_the_interval_of_its_clusters():
    low, high = share_interval(1.0, np.ones(50), 7, items=160, clusters=8)
    t = stats.t.ppf(0.975, 7)
    assert high == 1.0 and low == pytest.approx(8 / (8 + t**2))
    assert share_interval(0.0, np.zeros(50), 7, 160, 8) == pytest.approx((0.0, 1 - low))


def test_clusters_that_are_all_alike_leave_open_what_none_of_so_many_leaves_open():
    """Twenty outputs with a ROUGE of 0.4: Wilson's interval of 0 of 20 ends at t^2 / (20 + t^2)."""
    t = stats.t.ppf(0.975, 19)
    other = t**2 / (20 + t**2)
    low, high = share_interval(0.4, np.full(50, 0.4), 19, items=20, clusters=20)
    assert (low, high) == pytest.approx((0.4 * (1 - other), 0.4 * (1 - other) + other))
    assert (low, high) == pytest.approx((0.328, 0.508), abs=1e-3)
    near_one = share_interval(1 - 1e-12, np.ones(50), 19, 20, 20)
    assert near_one == pytest.approx(share_interval(1.0, np.ones(50), 19, 20, 20))
    points = bootstrap_interval(40.0, np.full(50, 40.0), 19, within=(0.0, 100.0))
    assert points == pytest.approx((100 * low, 100 * high))


def test_a_score_without_a_range_has_no_interval_where_all_items_are_alike():
    assert np.isnan(bootstrap_interval(-3.0, np.full(50, -3.0), 19)).all()
    assert np.isnan(bootstrap_interval(3.0, np.full(50, 3.0), 19, within=(0.0, np.inf))).all()
    low, high = bootstrap_interval(0.0, np.zeros(50), 19, coin=1e-4)
    assert low < 0 < high


@pytest.mark.parametrize("share", [0.001, 0.03, 0.5, 0.97, 0.999])
@pytest.mark.parametrize("spread", [0.0, 1e-4, 0.02, 0.2, 0.5])
def test_the_interval_of_a_share_holds_it_and_stays_within_0_and_1(share, spread):
    replicates = share + spread * np.array([-1.0, 0.0, 0.0, 2.0])
    low, high = share_interval(share, replicates, 7, items=80, clusters=8)
    assert 0 <= low <= share <= high <= 1 and low < high


def test_a_mean_over_sets_stays_within_the_range_of_their_intervals():
    ends = mean_interval([0.95, 0.9], [0.7, 0.6], [1.0, 1.0])
    below, above = np.hypot(0.25, 0.3) / 2, np.hypot(0.05, 0.1) / 2
    assert ends == pytest.approx((0.925 - below, 0.925 + above)) and ends[1] < 1
    assert np.isnan(mean_interval([0.9, 0.5], [0.8, np.nan], [1.0, np.nan])).all()
    assert np.isnan(mean_interval([], [], [])).all()


def test_items_that_stand_and_fall_together_widen_the_interval():
    cluster = np.repeat(np.arange(40), 10)
    values = (np.random.default_rng(0).random(40) < 0.5).astype(float)[cluster][:, None]
    spread = {}
    for name, groups in {"items": np.arange(400), "clusters": cluster}.items():
        weights = cluster_weights(groups.max() + 1, 2000, np.random.default_rng(0))
        spread[name] = resampled_means(values, groups, weights).std()
    assert spread["clusters"] == pytest.approx(spread["items"] * np.sqrt(10), rel=0.15)


def test_the_same_draw_for_all_checkpoints_makes_a_constant_difference_certain():
    values = np.random.default_rng(0).random(60)
    both = np.stack([values, values - 0.1], axis=1)
    weights = cluster_weights(60, 200, np.random.default_rng(2))
    means = resampled_means(both, np.arange(60), weights)
    assert means[:, 0] - means[:, 1] == pytest.approx(np.full(200, 0.1))


def test_the_draw_depends_on_the_seed_the_set_and_its_clusters_only():
    def first(*words):
        return item_generator(*words).random()

    assert first(0, "a", ["x", "y"]) == first(0, "a", ["x", "y"])
    others = [(1, "a", ["x", "y"]), (0, "b", ["x", "y"]), (0, "a", ["x", "z"])]
    assert len({first(0, "a", ["x", "y"]), *(first(*words) for words in others)}) == 4


def test_the_t_interval_is_that_of_scipy_and_needs_three_seeds():
    values = [0.1, 0.4, 0.35, 0.2]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert t_interval(values) == pytest.approx((low, high))
    assert np.isnan(t_interval([0.1, 0.2])).all()
    assert np.isnan(t_interval([0.1, 0.2, np.nan])).all()


def test_the_t_interval_of_scores_is_cut_at_their_range():
    values = [0.02, 0.05, 0.3]
    low, high = t_interval(values)
    assert low < 0 and t_interval(values, (0, 1)) == (0.0, high)


def test_the_paired_t_test_is_that_of_scipy():
    rng = np.random.default_rng(3)
    a, b = rng.random(8), rng.random(8)
    result = paired_difference(a, b)
    expected = stats.ttest_rel(a, b)
    assert result.p_t == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval()
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))
    assert result.mean == pytest.approx(np.mean(a - b))


def test_the_sign_flip_test_counts_all_patterns():
    difference = np.array([0.3, 0.1, 0.25, -0.05, 0.2])
    patterns = [np.dot(signs, difference) for signs in product((1, -1), repeat=5)]
    expected = np.mean([abs(total) >= abs(difference.sum()) - 1e-12 for total in patterns])
    assert sign_flip_test(difference) == expected
    assert sign_flip_test(np.ones(6)) == 2 / 64


def test_the_sign_flip_test_of_many_pairs_agrees_with_the_t_test():
    difference = np.random.default_rng(0).normal(0.4, 1, 30)
    assert sign_flip_test(difference, seed=1) == pytest.approx(t_test(difference), abs=0.01)


def test_a_comparison_with_a_missing_value_is_refused():
    with pytest.raises(UserError, match="missing"):
        paired_difference([0.1, np.nan], [0.2, 0.3])
    with pytest.raises(UserError, match="equally many"):
        paired_difference([0.1], [0.2, 0.3])


def test_holm_on_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_never_lowers_a_p_value_and_keeps_their_order():
    p = np.random.default_rng(0).random(12) ** 3
    adjusted = holm(p)
    assert (adjusted >= p).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
