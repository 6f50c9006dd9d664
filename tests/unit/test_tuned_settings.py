"""Settings are chosen by the rules in the head of mini-tuning-ke.yaml."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import tuned_settings  # noqa: E402
from tuned_settings import Trial, chosen  # noqa: E402

THREE, FIVE = (1, 2, 3), (1, 2, 3, 4, 5)


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


def test_the_two_with_the_highest_final_cloze_go_on():
    family = [trial("rate-low", 70), trial("rate-mid", 81), trial("rate-high", 80.5)]
    marked, worlds = chosen(family)
    assert [one.recipe for one in marked] == ["rate-mid", "rate-high"] and worlds == [1, 2, 3]


@pytest.mark.parametrize(
    ("high", "own", "taken"),
    [(81.9, 90, "rate-low"), (81.9, 91, "rate-high"), (82.1, 80, "rate-high")],
    ids=["a tie: the lower rate", "a tie: the higher own cloze", "more than a point"],
)
def test_of_the_two_that_have_more_worlds_one_is_taken(high, own, taken):
    low = trial("rate-low", 81, worlds=FIVE)
    family = [low, trial("rate-high", high, own, worlds=FIVE), trial("rate-mid", 99)]
    assert [one.recipe for one in chosen(family)[0]] == [taken]


def test_a_world_that_one_of_them_lacks_is_not_counted():
    low, high = trial("rate-low", 80, worlds=(1, 2, 3, 4)), trial("rate-high", 80, worlds=(1, 2))
    assert chosen([low, high])[1] == [1, 2, 3, 4]
    assert chosen([low])[1] == [1, 2, 3, 4]


def test_a_rate_that_was_tried_on_fewer_worlds_is_not_counted():
    lowest, low, mid = (
        trial(recipe, final)
        for recipe, final in (("rate-lowest", 70), ("rate-low", 72), ("rate-mid", 60))
    )
    once = trial("rate-high", 90, worlds=(1,))
    assert chosen([once, lowest, low, mid])[0] == [low, lowest]


def test_strengths_are_settings_of_one_method_and_rows_of_their_own_are_not():
    found = tuned_settings.families()
    assert found["ewc-weak"] == found["ewc"] == found["ewc-strong"] == "ewc"
    assert found["das-weak"] == found["das-mid"] == found["das"] == "das"
    assert found["das-update"] == "das-update"
    assert found["hat-all-open"] == found["hat-all"] == "hat-all" != found["hat-open"]
