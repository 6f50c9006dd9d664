"""Equal learning: worked numbers, naive references, brackets that are never extrapolated."""

import numpy as np
import pytest
from scipy import stats

from lethe.errors import UserError
from lethe.metrics.equal_learning import (
    ABOVE,
    BELOW,
    at_level,
    compared,
    kept,
    learned,
    learns,
    smallest_seen,
)

TASKS = ["simp", "emdg"]


def test_learned_is_the_mean_over_tasks_of_the_share_of_what_the_task_alone_gains():
    # (.5 - .1) / (.9 - .1) = .5 and (.9 - .0) / (.6 - .0) = 1.5: a chain may pass the reference.
    assert learned([0.5, 0.9], [0.1, 0.0], [0.9, 0.6], TASKS) == pytest.approx(1.0)
    assert learned([0.1, 0.0], [0.1, 0.0], [0.9, 0.6], TASKS) == 0
    assert learned([0.9, 0.6], [0.1, 0.0], [0.9, 0.6], TASKS) == 1


def test_kept_is_the_share_of_each_set_s_score_above_chance():
    shares = kept([0.4, 0.2, 0.9], [0.7, 0.7, 0.8], [0.25, 0.25, 0.5], ["a", "b", "c"])
    assert shares.tolist() == pytest.approx([0.15 / 0.45, -0.05 / 0.45, 0.4 / 0.3])


def test_shares_agree_with_a_naive_reference():
    draw = np.random.default_rng(1)
    for tasks in (1, 2, 5):
        base = draw.uniform(0, 0.3, tasks)
        alone, own = base + draw.uniform(0.1, 0.6, tasks), draw.uniform(0, 1, tasks)
        total = 0.0
        for task in range(tasks):
            total += (own[task] - base[task]) / (alone[task] - base[task])
        names = [str(task) for task in range(tasks)]
        assert learned(own, base, alone, names) == pytest.approx(total / tasks)
        shares = [(own[t] - base[t]) / (alone[t] - base[t]) for t in range(tasks)]
        assert kept(own, alone, base, names).tolist() == pytest.approx(shares)


@pytest.mark.parametrize(
    ("own", "base", "alone", "said"),
    [
        ([0.5, np.nan], [0.1, 0.1], [0.9, 0.9], r"the score of emdg \(own\) is missing"),
        ([0.5, 0.5], [np.nan, 0.1], [0.9, 0.9], r"the score of simp \(base\) is missing"),
        ([0.5, 0.5], [0.1, 0.1], [0.9, np.nan], r"the score of emdg \(alone\) is missing"),
        ([0.5, 0.5], [0.1, 0.4], [0.9, 0.4], r"emdg is not learned alone \(0.4, the base 0.4\)"),
        ([0.5], [0.1, 0.4], [0.9, 0.9], "for each of 2 sets, at least one, found 1"),
    ],
)
def test_what_is_missing_or_cannot_be_measured_raises_and_names_the_set(own, base, alone, said):
    with pytest.raises(UserError, match=said):
        learned(own, base, alone, TASKS)


def test_a_set_whose_base_is_not_above_chance_has_nothing_to_keep():
    with pytest.raises(UserError, match="not above chance in emdg"):
        kept([0.5, 0.5], [0.7, 0.25], [0.25, 0.25], TASKS)
    with pytest.raises(UserError, match=r"simp \(last\) is missing"):
        kept([np.nan, 0.5], [0.7, 0.7], [0.25, 0.25], TASKS)


def test_kept_at_a_level_lies_on_the_line_between_the_two_rates_that_bracket_it():
    found = at_level([0.6, 0.8, 1.0], [0.9, 0.7, 0.3], 0.9)
    assert found.kept == pytest.approx(0.5) and found.between == (1, 2)
    assert at_level([0.6, 0.8, 1.0], [0.9, 0.7, 0.3], 0.65).kept == pytest.approx(0.85)
    exact = at_level([0.6, 0.9, 1.0], [0.9, 0.7, 0.3], 0.9)
    assert exact.kept == 0.7 and exact.between == (1, 1)


def test_a_level_that_no_rates_bracket_has_no_number_but_a_reason():
    below, above = at_level([0.2, 0.6], [0.9, 0.8], 0.9), at_level([0.95, 0.99], [0.5, 0.3], 0.9)
    assert np.isnan(below.kept) and below.reason == BELOW and below.between is None
    assert np.isnan(above.kept) and above.reason == ABOVE
    assert at_level([0.9], [0.4], 0.9).kept == 0.4
    assert np.isnan(at_level([0.89], [0.4], 0.9).kept)


def test_of_a_rate_that_learns_less_again_the_crossing_at_the_lower_rates_counts():
    # The highest rate diverges: it crosses the level once more, on the way down.
    found = at_level([0.5, 1.0, 0.6], [0.9, 0.5, 0.0], 0.9)
    assert found.kept == pytest.approx(0.9 - 0.8 * 0.4) and found.between == (0, 1)


def test_interpolation_agrees_with_numpy_on_rising_curves_and_never_leaves_its_two_rates():
    draw = np.random.default_rng(2)
    for _ in range(50):
        x, y = np.sort(draw.random(4)), draw.random(4)
        level = draw.random()
        found = at_level(x, y, level)
        if x[0] <= level <= x[-1]:
            assert found.kept == pytest.approx(np.interp(level, x, y))
            first, last = found.between
            assert min(y[first], y[last]) <= found.kept <= max(y[first], y[last])
        else:
            assert np.isnan(found.kept)


def test_a_missing_point_of_a_curve_raises():
    with pytest.raises(UserError, match="at every rate"):
        at_level([0.5, np.nan], [0.5, 0.4], 0.9)
    with pytest.raises(UserError, match="at every rate"):
        at_level([], [], 0.9)


def test_a_method_learns_if_its_best_rate_reaches_nine_tenths_of_plain_training_s():
    assert learns(0.9, 1.0) and not learns(0.89, 1.0)
    assert learns(0.81, 0.9)


def test_a_comparison_pairs_worlds_and_leaves_out_those_without_both_numbers():
    plain = {100: 0.5, 101: 0.7, 102: 0.4, 103: np.nan, 105: 0.2}
    other = {100: 0.6, 101: 0.78, 102: 0.52, 103: 0.9, 104: 0.9}
    found = compared(other, plain)
    expected = stats.ttest_1samp([0.1, 0.08, 0.12], 0).confidence_interval(0.95)
    assert found.difference.n == 3 and found.worlds == 6
    assert found.difference.mean == pytest.approx(0.1)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(expected))
    assert found.words() == "+10 points [+5, +15] over 3 worlds"
    assert compared({100: np.nan}, plain) is None and compared({1: 0.5}, plain) is None


def test_of_fewer_than_three_worlds_no_interval_is_claimed():
    found = compared({1: 0.6, 2: 0.8}, {1: 0.5, 2: 0.5})
    assert np.isnan(found.difference.low) and np.isnan(found.smallest)
    assert found.words() == (
        "+20 points over 2 worlds, too few for an interval: a direction at most"
    )
    assert "over 1 base," in compared({1: 0.6}, {1: 0.5}).words("base")


def test_what_is_not_told_from_zero_says_what_could_have_been_seen():
    found = compared({1: 0.5, 2: 0.7, 3: 0.6}, {1: 0.6, 2: 0.6, 3: 0.5})
    assert found.difference.low < 0 < found.difference.high
    assert f"not told from 0; {100 * found.smallest:.0f} points would mostly" in found.words()


def test_the_smallest_effect_that_could_have_been_seen_is_found_in_four_of_five_simulations():
    draw = np.random.default_rng(3)
    n, spread = 10, 0.1
    # The formula with the spread known: 80 % of studies with such an effect reject zero.
    sample = np.array([-1.0, 1.0] * (n // 2))
    sample *= spread / sample.std(ddof=1)
    effect = smallest_seen(sample)
    studies = draw.normal(effect, spread, (4000, n))
    rejected = np.mean(stats.ttest_1samp(studies, 0, axis=1).pvalue < 0.05)
    assert 0.75 < rejected < 0.85
    assert np.isnan(smallest_seen([0.1, 0.2]))
