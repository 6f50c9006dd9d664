"""What so many units can show: worked numbers, and simulated studies."""

import math

import numpy as np
import pytest

from lethe.metrics.intervals import t_interval
from lethe.metrics.power import careful_spread, half_width, smallest_shown, spread_of, units_for


def test_the_half_width_is_that_of_the_interval():
    values = [1.0, 4.0, 2.0, 7.0]
    low, high = t_interval(values)
    assert half_width(spread_of(values), 4) == pytest.approx((high - low) / 2)
    # sd 1, n 5: 2.776445 / sqrt(5).
    assert half_width(1.0, 5) == pytest.approx(1.241664, abs=1e-5)


def test_the_smallest_effect_shown_by_five_units_is_a_worked_number():
    """Noncentral t of 4 df passes 2.776445 in 4 of 5 cases at 3.7611 (tables of paired t tests)."""
    assert smallest_shown(2.0, 5) == pytest.approx(3.76106 * 2 / math.sqrt(5), abs=1e-4)
    assert smallest_shown(2.0, 5, margin=5.0) == pytest.approx(5 + 3.36399, abs=1e-4)
    assert smallest_shown(2.0, 5, level=0.01) > smallest_shown(2.0, 5)


@pytest.mark.parametrize(("n", "margin", "level"), [(3, 0.0, 0.05), (5, 5.0, 0.05), (8, 1.0, 0.01)])
def test_four_of_five_simulated_studies_show_that_effect_and_few_show_half_of_it(n, margin, level):
    rng = np.random.default_rng(n)
    shown = smallest_shown(3.0, n, margin, level)
    t = {(3, 0.05): 4.302653, (5, 0.05): 2.776445, (8, 0.01): 3.499483}[n, level]

    def share(effect):
        drawn = rng.normal(effect, 3.0, (40_000, n))
        low = drawn.mean(1) - t * drawn.std(1, ddof=1) / math.sqrt(n)
        return float((low > margin).mean())

    assert share(shown) == pytest.approx(0.8, abs=0.01)
    assert share(margin + (shown - margin) / 2) < 0.45


def test_the_n_asked_for_is_the_fewest_with_which_the_interval_is_narrow_enough():
    for spread, target in [(2.8, 2.5), (5.0, 2.5), (1.0, 0.05), (0.0, 1.0)]:
        n = units_for(spread, target)
        assert half_width(spread, n) <= target
        assert n == 3 or half_width(spread, n - 1) > target
    assert units_for(2.8, 2.5) == 8
    assert units_for(1.0, 1e-6) is None and units_for(float("nan"), 1.0) is None


def test_the_careful_spread_is_above_the_true_one_in_four_of_five_simulated_studies():
    rng = np.random.default_rng(0)
    careful = [careful_spread(spread_of(drawn), 5) for drawn in rng.normal(0, 2.0, (20_000, 5))]
    assert np.mean(np.array(careful) > 2.0) == pytest.approx(0.8, abs=0.01)


def test_fewer_than_three_units_show_nothing():
    assert math.isnan(spread_of([1.0, 2.0])) and math.isnan(smallest_shown(1.0, 2))
    assert math.isnan(half_width(1.0, 2)) and math.isnan(careful_spread(1.0, 2))


def stopped(spread, effect, first=8, most=12, wanted=2.5, studies=20_000):
    """Means and half-widths of simulated studies that stop by half-widths alone."""
    drawn = np.random.default_rng(0).normal(effect, spread, (studies, most))
    means, widths = np.full(studies, np.nan), np.full(studies, np.inf)
    for n in range(first, most + 1):
        part, going = drawn[:, :n], widths > wanted
        width = half_width(1.0, n) * part.std(1, ddof=1)
        means[going], widths[going] = part.mean(1)[going], width[going]
    return means, widths


@pytest.mark.parametrize("spread", [1.5, 3.0, 4.0, 5.0])
def test_stopping_by_half_widths_leaves_intervals_and_tests_nearly_as_they_are(spread):
    means, widths = stopped(spread, effect=5.0)
    assert 0.935 < np.mean(abs(means - 5.0) <= widths) < 0.955
    assert np.mean(means - widths > 5.0) < 0.033


def test_up_to_ten_thousand_units_are_found():
    assert units_for(1.0, half_width(1.0, 9_000)) == 9_000
    assert units_for(1.0, half_width(1.0, 10_000) * 0.99) is None
