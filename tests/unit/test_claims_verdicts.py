"""The protocol's verdicts, worked by hand."""

import math

import numpy as np
import pytest

from lethe.claims.cells import Cell, Question
from lethe.claims.verdicts import against_margin, counted, judge, verdict_of, weakest
from lethe.metrics.subjects import replicates

ASKED = Question("C", "p", "above_zero", "fg_luo", ("knowledge",), "bases", 1.0, family="f")
BELOW = Question("C", "p", "above_zero", "fg_luo", ("knowledge",), "bases", 1.0, "below", "f")


def effects(values):
    return {(100, seed): value for seed, value in enumerate(values)}


def judged(*values, asked=ASKED):
    return judge([(asked, Cell(f"m{place}", "knowledge", effects(one))) for place, one in values])


def one(values, asked=ASKED):
    return judge([(asked, Cell("m", "knowledge", effects(values)))])[0]


def test_the_interval_and_p_are_students_over_units():
    found = one([4.0, 5.0, 6.0])
    # sd 1, n 3: half width 4.302653 / sqrt(3); t against the margin of 1 is 4 sqrt(3), 2 df.
    assert found.effect == 5.0 and found.n == 3
    assert found.low == pytest.approx(5 - 4.302653 / math.sqrt(3), abs=1e-5)
    assert found.p_holm == pytest.approx(0.020204, abs=1e-5)
    assert found.verdict == "supported"


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([4.0, 5.0, 6.0], "supported"),
        ([-4.0, -5.0, -6.0], "contradicted"),
        ([0.1, 0.0, -0.1], "negligible"),
        ([3.0, 5.0, 9.0], "undecided"),
        ([0.9, 1.0, 1.1], "undecided"),
        ([0.5, 0.5, 0.5], "negligible"),
        ([2.0, 2.0, 2.0], "supported"),
        ([], "not measured"),
    ],
)
def test_a_verdict_follows_from_where_the_interval_lies(values, verdict):
    assert one(values).verdict == verdict
    mirrored = one([-value for value in values], BELOW)
    assert mirrored.verdict == verdict


def test_exactly_at_the_smallest_effect_is_not_beyond_it():
    assert one([1.0, 1.0, 1.0]).verdict == "negligible"
    assert one([-1.0, -1.0, -1.0]).verdict == "negligible"
    assert one([1.0]).verdict == "inconsistent, one seed"
    assert one([1.0001]).verdict == "consistent, one seed"


def test_fewer_than_three_units_are_at_most_consistent():
    assert one([50.0]).verdict == "consistent, one seed"
    assert one([50.0, 60.0]).verdict == "consistent, two seeds"
    assert one([-5.0, 2.0]).verdict == "inconsistent, two seeds"
    assert one([-5.0], BELOW).verdict == "consistent, one seed"
    assert np.isnan(one([50.0, 60.0]).low) and np.isnan(one([50.0, 60.0]).p_holm)


def test_holm_is_within_a_family_and_can_take_a_verdict_back():
    strong, weak = [4.0, 5.0, 6.0], [4.0, 5.5, 7.0]
    raw = against_margin(ASKED, weak)
    assert one(weak).verdict == "supported" and one(weak).p_holm == raw < 0.05
    together = judged((0, weak), (1, weak), (2, strong))
    assert [found.verdict for found in together] == ["undecided", "undecided", "undecided"]
    assert together[2].p_holm == pytest.approx(3 * against_margin(ASKED, strong))
    assert together[0].p_holm == pytest.approx(2 * raw)
    other = Question("D", "p", "above_zero", "fg_luo", ("knowledge",), "bases", 1.0, family="g")
    apart = judge([(ASKED, Cell("m", "x", effects(weak))), (other, Cell("m", "x", effects(weak)))])
    assert [found.verdict for found in apart] == ["supported", "supported"]


def test_cells_with_too_few_units_take_no_share_of_the_correction():
    found = judged((0, [4.0, 5.0, 6.0]), (1, [9.0]), (2, []))
    assert found[0].p_holm == pytest.approx(against_margin(ASKED, [4.0, 5.0, 6.0]))
    assert [each.verdict for each in found[1:]] == ["consistent, one seed", "not measured"]


def test_a_limitation_has_numbers_and_no_verdict():
    shown = Question("C", "p", "x", "fg_luo", ("knowledge",), "bases", 0.0, is_tested=False)
    assert one([4.0, 5.0, 6.0], shown).verdict == "no verdict"
    assert verdict_of(shown, [], float("nan")) == "not measured"


def test_the_weakest_part_decides():
    assert weakest(["supported", "supported"]) == "supported"
    assert weakest(["supported", "not measured"]) == "not measured"
    assert weakest(["supported", "undecided", "negligible"]) == "negligible"
    assert weakest(["consistent, one seed", "supported"]) == "consistent, one seed"
    assert weakest(["inconsistent, one seed", "contradicted"]) == "contradicted"
    assert weakest([]) == "not measured"
    assert counted(["undecided", "supported", "supported"]) == "2 supported; 1 undecided"


def test_train_seeds_of_one_base_are_averaged_where_bases_replicate():
    by_seeds = {(100, 0, 0): 1.0, (100, 0, 1): 3.0, (101, 0, 0): 5.0}
    assert replicates(by_seeds, "bases") == ("bases", {(100, 0): 2.0, (101, 0): 5.0})
    assert replicates(by_seeds, "train seeds")[0] == "bases"
    single = {(100, 0, 0): 1.0, (100, 0, 1): 3.0}
    assert replicates(single, "train seeds") == ("train seeds", single)
    assert replicates(single, "bases") == ("bases", {(100, 0): 2.0})
