"""Estimators of what became of single items, held to models whose truth is known."""

from itertools import product

import numpy as np
import pytest

from lethe.metrics.item_changes import (
    Answers,
    between_seeds,
    chance_adjusted,
    commonest,
    item_values,
    knew,
    lost_by_margin,
    right_or_wrong,
    transitions,
    two_state,
    why_not_identified,
)

ITEMS = 400_000
# Four standard errors of a mean of ITEMS values of the size of these.
NEAR = 4 * 1.2 / np.sqrt(ITEMS)
FULL = 0.75


def answers(right, margin=np.nan, gold=np.nan) -> Answers:
    right = np.asarray(right, dtype=float)
    return Answers(right, np.full(len(right), margin), np.full(len(right), gold))


def guessed(
    choices: np.ndarray, lost: float, regained: float, repeated: float, known: float = FULL
) -> tuple[np.ndarray, np.ndarray]:
    """(right before, right after) under the know-or-guess model; shares are of all items."""
    draw = np.random.default_rng(5)
    state = draw.random(len(choices))
    knew_it = state < known
    knows = knew_it & (state >= lost) | (state >= known) & (state < known + regained)
    first, second = (draw.integers(0, choices) for _ in range(2))
    again = ~knew_it & ~knows & (draw.random(len(choices)) < repeated)
    second = np.where(again, first, second)
    return (knew_it | (first == 0)).astype(float), (knows | (second == 0)).astype(float)


def of_k(k) -> np.ndarray:
    return np.resize(np.atleast_1d(k), ITEMS)


@pytest.mark.parametrize("k", [2, 4, (2, 4, 5)])
@pytest.mark.parametrize("repeated", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("lost", "regained"), [(0.0, 0.0), (0.733 * FULL, 0.0), (0.2, 0.1)])
def test_the_two_state_estimate_reads_what_was_lost_and_regained(k, repeated, lost, regained):
    choices = of_k(k)
    before, after = guessed(choices, lost, regained, repeated)
    found = [part.mean() for part in two_state(before, after, choices, repeated)]
    assert found == pytest.approx([lost, regained], abs=NEAR)
    assert knew(before, choices).mean() == pytest.approx(FULL, abs=NEAR)
    assert found[0] / knew(before, choices).mean() == pytest.approx(lost / FULL, abs=2 * NEAR)


@pytest.mark.parametrize("repeated", [0.0, 0.3, 0.8, 1.0])
def test_the_truth_lies_between_the_estimates_for_no_and_for_every_repeated_guess(repeated):
    choices = of_k(4)
    before, after = guessed(choices, 0.2, 0.1, repeated)
    least, greatest = (two_state(before, after, choices, r)[0].mean() for r in (0.0, 1.0))
    assert least - NEAR <= 0.2 <= greatest + NEAR


def test_the_estimate_is_not_clipped_at_nothing():
    choices = of_k(4)
    before, after = guessed(choices, 0.0, 0.0, 1.0)
    assert two_state(before, after, choices, 0.0)[0].mean() < -0.03


def test_lost_less_regained_is_the_drop_whatever_is_repeated():
    choices = of_k(4)
    before, after = guessed(choices, 0.2, 0.1, 0.5)
    drop = knew(before, choices).mean() - knew(after, choices).mean()
    for repeated in (0.0, 0.37, 1.0):
        lost, regained = two_state(before, after, choices, repeated)
        assert lost.mean() - regained.mean() == pytest.approx(drop)


def exact(k: int, known: float, lost: float) -> tuple[float, float, float]:
    """(lost, right before, right after) as shares, from the model with new guesses."""
    unknown = 1 - known
    share = lost * (k - 1) / k + unknown * (k - 1) / k**2
    return share, known + unknown / k, known - lost + (unknown + lost) / k


@pytest.mark.parametrize(
    ("lost_of_known", "reads"),
    # By hand for k = 4, 3/4 known: F = 3/64 and (3/16)^2/3 = 3/256, so 9/256 though nothing is
    # lost; with 0.733 lost F is 0.4592, less 0.1875 * 0.599... / 3.
    [(0.0, 9 / 256), (0.733, 0.4217)],
)
def test_the_published_adjustment_is_biased(lost_of_known, reads):
    choices = of_k(4)
    before, after = guessed(choices, lost_of_known * FULL, 0.0, 0.0)
    found = chance_adjusted(before, after, choices)
    share, was, now = exact(4, FULL, lost_of_known * FULL)
    assert share - (1 - was) * (1 - now) / 3 == pytest.approx(reads, abs=1e-4)
    assert found.forgetting == pytest.approx(reads, abs=NEAR)
    assert found.most == pytest.approx(FULL, abs=NEAR)
    assert abs(found.forgetting - lost_of_known * FULL) > 0.03


def test_the_published_adjustment_by_hand():
    before = np.array([1, 1, 1, 1, 1, 1, 0, 0.0])
    after = np.array([1, 1, 1, 0, 0, 0, 1, 0.0])
    found = chance_adjusted(before, after, np.full(8, 2))
    # F = 3/8, BT = 1/8, (1 - 6/8)(1 - 4/8)/1 = 1/8, and (2 * 6/8 - 1)/1 = 1/2.
    assert (found.forgetting, found.transfer, found.most) == (0.25, 0.0, 0.5)


def test_items_of_different_k_are_pooled_by_their_number():
    choices = np.repeat([2, 5], [300, 100])
    before, after = guessed(np.resize(choices, 400), 0.2, 0.1, 0.5)
    whole = [part.mean() for part in two_state(before, after, choices, 0.0)]
    parts = []
    for k in (2, 5):
        of = choices == k
        parts.append([part.mean() for part in two_state(before[of], after[of], choices[of], 0.0)])
    assert whole == pytest.approx(0.75 * np.array(parts[0]) + 0.25 * np.array(parts[1]))


def test_counts_agree_with_counting_one_by_one():
    before, after = map(np.array, zip(*product((0.0, 1.0), repeat=2), (1.0, 0.0), strict=True))
    counted = {"kept": 0, "lost": 0, "regained": 0, "never": 0}
    for was, now in zip(before, after, strict=True):
        name = ("kept" if now else "lost") if was else ("regained" if now else "never")
        counted[name] += 1
    found = transitions(before, after)
    assert {name: part.sum() for name, part in found.items()} == counted
    assert (sum(found.values()) == 1).all()


def test_graded_answers_are_not_right_or_wrong():
    assert right_or_wrong(np.array([0, 1.0, 1.0]))
    assert not right_or_wrong(np.array([0, 0.5]))
    assert not right_or_wrong(np.array([1.0, np.nan]))
    assert not right_or_wrong(np.array([]))


def test_drift_and_signs_by_hand():
    before = Answers(np.ones(3), np.array([1.0, 2.0, np.nan]), np.array([-1.0, -2.0, np.nan]))
    after = Answers(np.ones(3), np.array([-1.0, 3.0, 1.0]), np.array([-3.0, -1.5, -1.0]))
    values = item_values(before, after, None)
    np.testing.assert_array_equal(values["drift"], [2.0, -0.5, np.nan])
    np.testing.assert_array_equal(values["sign_changed"], [1.0, 0.0, np.nan])
    assert not {"knew", "lost_r0"} & values.keys()


def test_items_that_are_lost_are_lost_from_the_third_of_their_margin():
    margin = np.array([0.1, 0.2, 0.3, 1.1, 1.2, 1.3, 2.1, 2.2, 2.3, -1.0])
    right = (margin > 0).astype(float)
    after = np.array([0, 0, 1, 0, 1, 1, 1, 1, 1, 0.0])
    before = Answers(right, margin, margin)
    found = lost_by_margin(before, answers(after))
    assert found == {"unsure": pytest.approx(2 / 3), "middle": pytest.approx(1 / 3), "sure": 0.0}
    shuffled = np.random.default_rng(1).permutation(10)
    again = Answers(right[shuffled], margin[shuffled], margin[shuffled])
    assert lost_by_margin(again, answers(after[shuffled])) == found


def test_no_third_without_margins_or_right_answers():
    nothing = lost_by_margin(answers([1, 0]), answers([1, 1]))
    assert np.isnan(list(nothing.values())).all()
    nothing = lost_by_margin(answers([0, 0], margin=-1.0), answers([1, 1]))
    assert np.isnan(list(nothing.values())).all()


def test_the_commonest_answer_is_the_first_by_name_of_equals():
    assert commonest(["b", "a", "b", "a", "c"]) == ("a", 0.4)
    assert commonest(iter("2212")) == ("2", 0.75)
    assert commonest([])[0] == ""


FOUR = np.full(8, 4)
GOOD = np.array([1, 1, 1, 1, 0, 0, 0, 0.0])
BAD = np.array([1, 0, 0, 0, 0, 0, 0, 0.0])


@pytest.mark.parametrize(
    ("before", "after", "choices", "shares", "reason"),
    [
        (GOOD, GOOD, FOUR, (0.3, 0.89), ""),
        (GOOD, GOOD, FOUR, (0.9, 0.3), "answers collapsed before, 90% are the same"),
        (GOOD, GOOD, FOUR, (0.3, 1.0), "answers collapsed after, 100% are the same"),
        (GOOD, BAD, FOUR, (0.3, 0.3), "below chance after, 0.125 against 0.250"),
        (BAD, GOOD, FOUR, (0.3, 0.3), "below chance before, 0.125 against 0.250"),
        (GOOD, GOOD, None, (0.3, 0.3), "no choices, so no guesses"),
        (GOOD, GOOD, np.full(8, 1), (0.3, 0.3), "items with fewer than two choices"),
        (GOOD, GOOD, np.full(8, np.nan), (0.3, 0.3), "items whose choices were not kept"),
    ],
)
def test_where_guesses_cannot_be_told_from_knowledge_the_reason_is_in_words(
    before, after, choices, shares, reason
):
    assert why_not_identified(before, after, choices, shares) == reason


def test_between_seeds_is_the_mean_over_ordered_pairs():
    draw = np.random.default_rng(2)
    right = (draw.random((50, 4)) < draw.random((50, 1))).astype(float)
    sums = dict.fromkeys(("kept", "lost", "regained", "never"), 0.0)
    pairs = [(a, b) for a, b in product(range(4), repeat=2) if a != b]
    for a, b in pairs:
        for name, part in transitions(right[:, a], right[:, b]).items():
            sums[name] += part.mean() / len(pairs)
    found = {name: part.mean() for name, part in between_seeds(right).items()}
    assert found == pytest.approx(sums)
