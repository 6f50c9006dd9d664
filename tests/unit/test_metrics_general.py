"""Metrics of general ability: FG and its relatives."""

import numpy as np
import pytest

from lethe.errors import UserError
from lethe.metrics import general as g

WORKED = np.array([[0.4, 0.8], [0.3, 0.8], [0.2, 0.6]])


def test_fg_is_the_mean_over_stages_and_sets_of_the_relative_drop_in_percent():
    drops = [(0.4 - 0.3) / 0.4, (0.4 - 0.2) / 0.4, 0, (0.8 - 0.6) / 0.8]
    assert g.fg_luo(WORKED) == pytest.approx(100 * np.mean(drops))
    assert g.fg_last(WORKED) == pytest.approx(100 * np.mean([0.5, 0.25]))
    assert g.drop_points(WORKED) == pytest.approx(20)
    assert g.delta_general(WORKED) == pytest.approx(-0.2)


def test_negative_scores_have_drops_in_points_and_no_relative_drop_with_the_wrong_sign():
    """Log-probabilities that fall from -2 to -3 lose one nat, which is no gain of 50 %."""
    nats = np.array([[-2.0, 0.5], [-3.0, 0.4]])
    assert np.isnan(g.fg_luo(nats)) and np.isnan(g.fg_last(nats))
    assert g.drop_points(nats) == pytest.approx(100 * (1 + 0.1) / 2)


def test_fg_above_chance_divides_by_what_the_base_has_above_chance():
    chance, floor = [0.25, 0.5], [0, 0]
    first = np.mean([(0.4 - 0.3) / 0.15, (0.4 - 0.2) / 0.15])
    second = np.mean([0, 0.2 / 0.3])
    assert g.fg_chance(WORKED, chance, floor) == pytest.approx(100 * np.mean([first, second]))


def test_sets_at_floor_are_left_out_of_fg_above_chance():
    assert g.fg_chance(WORKED, [0.25, 0.5], [1, 0]) == pytest.approx(100 * 0.2 / 0.3 / 2)
    assert np.isnan(g.fg_chance(WORKED, [0.25, 0.5], [1, 1]))


def test_a_base_within_two_standard_errors_of_chance_is_at_floor():
    base, chance = np.array([0.26, 0.40, 0.20, 0.25]), np.full(4, 0.25)
    assert g.at_floor(base, chance, np.full(4, 0.04)).tolist() == [True, False, True, True]


def test_fg_does_not_depend_on_the_scale_of_the_scores():
    G = np.random.default_rng(0).random((6, 4)) + 0.1
    assert g.fg_luo(100 * G) == pytest.approx(g.fg_luo(G))
    assert g.fg_last(0.3 * G) == pytest.approx(g.fg_last(G))


def test_a_gain_is_a_negative_drop():
    assert g.fg_luo(WORKED[[2, 0]]) < 0


def test_a_base_score_of_zero_leaves_fg_undefined():
    assert np.isnan(g.fg_luo(np.array([[0.0, 0.5], [0.1, 0.5]])))


def test_a_missing_stage_is_an_error_that_names_the_cell():
    G = WORKED.copy()
    G[1, 1] = np.nan
    with pytest.raises(UserError, match=r"fg_luo: the cell \(stage 1, boolq\) is missing"):
        g.fg_luo(G, columns=["mmlu", "boolq"])
    assert g.fg_last(G) == g.fg_last(WORKED)


def test_resamples_in_leading_axes_give_the_value_of_each():
    many = np.random.default_rng(0).random((5, 6, 4)) + 0.1
    assert g.fg_luo(many) == pytest.approx([float(g.fg_luo(one)) for one in many])
