"""The protocol's verdicts, worked by hand."""

import math

import numpy as np
import pytest

from lethe.claims.cells import Cell, Question
from lethe.claims.verdicts import (
    beyond,
    claim_verdicts,
    counted,
    judge,
    verdict_of,
    weakest,
)
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
    assert found.p_for == pytest.approx(0.020204, abs=1e-5) and found.p_holm == 1
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


def mirrored(values):
    return [-value for value in values]


STRONG, WEAK = [4.0, 5.0, 6.0], [4.0, 5.5, 7.0]


def test_what_is_supported_needs_no_correction_for_all_of_a_claim_must_hold():
    together = judged((0, WEAK), (1, WEAK), (2, STRONG))
    assert [found.verdict for found in together] == ["supported"] * 3
    assert claim_verdicts(together) == {"C": "supported"}
    with_one_open = judged((0, WEAK), (1, [3.0, 5.0, 9.0]))
    assert claim_verdicts(with_one_open) == {"C": "undecided"}


def test_holm_is_within_a_family_and_can_take_back_that_one_part_contradicts():
    strong, weak = mirrored(STRONG), mirrored(WEAK)
    raw = beyond(np.array(weak), 1.0)[1]
    assert one(weak).verdict == "contradicted" and one(weak).p_holm == raw < 0.05
    together = judged((0, weak), (1, weak), (2, strong))
    assert [found.verdict for found in together] == ["undecided", "undecided", "undecided"]
    assert together[2].p_holm == pytest.approx(3 * beyond(np.array(strong), 1.0)[1])
    assert together[0].p_holm == pytest.approx(2 * raw)
    other = Question("D", "p", "above_zero", "fg_luo", ("knowledge",), "bases", 1.0, family="g")
    apart = judge([(ASKED, Cell("m", "x", effects(weak))), (other, Cell("m", "x", effects(weak)))])
    assert [found.verdict for found in apart] == ["contradicted", "contradicted"]


def test_strong_support_of_one_part_does_not_lighten_the_correction_of_another():
    weak, supported = mirrored(WEAK), [40.0, 50.0, 60.0]
    alone, beside = judged((0, weak), (1, weak)), judged((0, weak), (1, weak), (2, supported))
    assert beside[0].p_holm == pytest.approx(1.5 * alone[0].p_holm)
    assert beside[2].p_holm == 1


def test_several_claims_of_one_family_are_corrected_by_the_largest_p_of_each():
    other = Question("D", "p", "above_zero", "fg_luo", ("knowledge",), "bases", 1.0, family="f")
    found = judge([(ASKED, Cell("m", "x", effects(WEAK))), (other, Cell("m", "x", effects(WEAK)))])
    assert [each.verdict for each in found] == ["supported", "supported"]
    assert 0.025 < found[0].p_for < 0.05
    assert claim_verdicts(found) == {"C": "undecided", "D": "undecided"}
    clear = [400.0, 401.0, 402.0]
    found = judge([(ASKED, Cell("m", "x", effects(clear))), (other, Cell("m", "x", effects(WEAK)))])
    assert claim_verdicts(found) == {"C": "supported", "D": "supported"}


@pytest.mark.slow
def test_a_claim_with_one_false_part_is_supported_in_one_of_forty_studies_at_most():
    """Three parts of five units at the margin, and in another claim two of them far beyond it."""
    rng = np.random.default_rng(0)
    wrongly = {0.0: 0, 50.0: 0}
    for centre in wrongly:
        for _ in range(600):
            drawn = rng.normal([1.0, 1.0 + centre, 1.0 + centre], 1.0, (5, 3)).T
            verdicts = claim_verdicts(judged(*enumerate(drawn)))
            wrongly[centre] += verdicts["C"] == "supported"
    assert wrongly[0.0] <= 2
    assert 0.01 < wrongly[50.0] / 600 < 0.042


@pytest.mark.slow
def test_a_claim_at_its_margin_on_the_other_side_is_contradicted_in_one_of_forty_studies_at_most():
    rng = np.random.default_rng(1)
    verdicts = [
        claim_verdicts(judged(*enumerate(rng.normal(-1.0, 1.0, (4, 5)))))["C"] for _ in range(600)
    ]
    assert verdicts.count("contradicted") / 600 < 0.042


def test_cells_with_too_few_units_take_no_share_of_the_correction():
    found = judged((0, mirrored(STRONG)), (1, [9.0]), (2, []))
    assert found[0].p_holm == pytest.approx(beyond(np.array(mirrored(STRONG)), 1.0)[1])
    assert [each.verdict for each in found[1:]] == ["consistent, one seed", "not measured"]


def test_what_so_many_units_would_have_shown_is_in_the_direction_of_the_claim():
    """sd 3, n 3: a noncentral t of 2 df passes 4.30 in 4 of 5 cases if its centre is 5.6535."""
    values = [-1.0, 2.0, 5.0]
    above, below = one(values), one(mirrored(values), BELOW)
    assert above.shown == pytest.approx(1 + 5.65349 * 3 / math.sqrt(3), abs=1e-3)
    assert above.shown_against == pytest.approx(-above.shown)
    assert below.shown == pytest.approx(-above.shown)
    two = judged((0, values), (1, values))
    assert two[0].shown == pytest.approx(above.shown)
    assert two[0].shown_against < above.shown_against
    assert np.isnan(one([1.0, 2.0]).shown)


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
