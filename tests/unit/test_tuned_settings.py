"""Settings are chosen by the rules in the head of mini-tuning-ke.yaml."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import tuned_settings  # noqa: E402
from tuned_settings import Trial, chosen  # noqa: E402

ONE, THREE, FIVE = (1,), (1, 2, 3), (1, 2, 3, 4, 5)


def trial(recipe, final, own=90.0, worlds=THREE, method="ewc"):
    """Cloze that differs between worlds, with the means given."""
    spread = {world: world - sum(worlds) / len(worlds) for world in worlds}
    return Trial(
        "ewc",
        method,
        recipe,
        {
            world: {("cloze", "final"): final + more, ("cloze", "own"): own - more}
            for world, more in spread.items()
        },
    )


def test_after_three_worlds_the_two_with_the_highest_final_cloze_go_on():
    family = [trial("rate-low", 70), trial("rate-mid", 81), trial("rate-high", 80.5)]
    assert [one.recipe for one in chosen(family)] == ["rate-mid", "rate-high"]
    assert chosen(family[1:]) == family[1:], (
        "two that have three worlds are still to be run on five"
    )


def test_of_a_method_whose_spread_is_not_asked_for_one_is_taken_after_three_worlds():
    low, mid = trial("rate-low", 80), trial("rate-mid", 80.9)
    third = trial("rate-high", 80.8)
    others = [replace(one, family="hat") for one in (low, mid, third)]
    assert chosen(others) == [others[1]], "a tie with the third best is none"


@pytest.mark.parametrize(("trials", "go_on"), [(3, 2), (6, 3), (9, 3)])
def test_after_one_world_the_best_three_of_many_and_two_of_three_go_on(trials, go_on):
    family = [trial("rate-low", 60 + number, worlds=ONE) for number in range(trials)]
    assert chosen(family) == family[::-1][:go_on]


def test_what_was_run_for_its_spread_alone_is_no_finalist():
    """The middle rate has the highest mean over all five worlds, but was last after three."""
    low, lowest = (trial(recipe, 80, worlds=FIVE) for recipe in ("rate-low", "rate-lowest"))
    spread = trial("rate-mid", 81, worlds=FIVE)
    for world, more in zip(FIVE, (-9, -9, -9, 14, 14), strict=True):
        spread.worlds[world]["cloze", "final"] += more
    assert chosen([spread, low, lowest]) == [lowest]


@pytest.mark.parametrize(
    ("high", "own", "taken"),
    [(81.9, 90, "rate-low"), (81.9, 91, "rate-high"), (82.1, 80, "rate-high")],
    ids=["a tie: the lower rate", "a tie: the higher own cloze", "more than a point"],
)
def test_of_the_two_that_have_more_worlds_one_is_taken(high, own, taken):
    low = trial("rate-low", 81, worlds=FIVE)
    family = [low, trial("rate-high", high, own, worlds=FIVE), trial("rate-mid", 99)]
    assert [one.recipe for one in chosen(family)] == [taken]


def test_a_rate_that_was_tried_on_fewer_worlds_is_not_counted():
    lowest, low, mid = (
        trial(recipe, final)
        for recipe, final in (("rate-lowest", 70), ("rate-low", 72), ("rate-mid", 60))
    )
    once = trial("rate-high", 90, worlds=(1,))
    assert chosen([once, lowest, low, mid]) == [low, lowest]


def test_trials_that_the_study_does_not_list_are_shown_and_do_not_win():
    """As many trials of each method count: the highest rate of plain training was given up."""
    counting = tuned_settings.counted()
    assert ("sequential", "rate-lowest") in counting and ("ewc", "rate-high") in counting
    assert ("sequential", "rate-high") not in counting
    assert ("sequential", "rate-mid-held") not in counting
    trials_of = Counter(tuned_settings.families()[method] for method, _ in counting)
    assert set(trials_of.values()) == {3, 6, 9}
    best, other = (
        Trial("sequential", "sequential", recipe, trial("", final, worlds=ONE).worlds)
        for recipe, final in (("rate-high", 90), ("rate-low", 80))
    )
    for one in (best, other):
        for world in one.worlds.values():
            world.update({("loss", "own"): 1.0, ("loss", "final"): 1.0})
    lines = tuned_settings.report([best, other], counting).splitlines()[2:]
    assert [line.endswith("| x |") for line in lines] == [False, True]


def test_strengths_are_settings_of_one_method_and_rows_of_their_own_are_not():
    found = tuned_settings.families()
    assert found["ewc-weak"] == found["ewc"] == found["ewc-strong"] == "ewc"
    assert found["das-weak"] == found["das-mid"] == found["das"] == "das"
    assert found["das-update"] == "das-update"
    assert found["hat-all-open"] == found["hat-all"] == "hat-all" != found["hat-open"]
