"""How many worlds are needed is told from spreads, and no effect is shown."""

import math
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import tuning_spreads  # noqa: E402
from tuned_settings import Trial  # noqa: E402

PLAIN = {1: 20.0, 2: 24.0, 3: 25.0, 4: 27.0}


def trial(method, cloze, loss):
    """Cloze forgotten by world; learned is 70 points and 0.7 nats everywhere."""
    worlds = {
        world: {
            ("cloze", "base"): 30.0, ("cloze", "own"): 100.0, ("cloze", "final"): 100 - lost,
            ("cloze", "forgotten"): lost, ("loss", "base"): 1.5, ("loss", "own"): 0.8,
            ("loss", "final"): 0.8 + loss * lost, ("loss", "forgotten"): loss * lost,
        }
        for world, lost in cloze.items()
    }  # fmt: skip
    return Trial(method, method, "rate-mid", worlds)


def rows(found):
    return [line.strip("| ").split(" | ") for line in list(tuning_spreads.spreads(found))[2:]]


def test_the_spread_is_of_differences_within_worlds_whatever_the_effect():
    plain = trial("sequential", PLAIN, 0.04)
    differences = {1: -1.0, 2: 1.0, 3: -2.0, 4: 2.0}
    for effect in (0.0, 50.0):
        das = trial("das", {w: PLAIN[w] + effect + more for w, more in differences.items()}, 0.04)
        words, outcome, worlds, spread, *_ = rows([plain, das])[0]
        assert (words, outcome, worlds) == ("das - sequential, rate-mid", "cloze forgotten", "4")
        assert float(spread) == pytest.approx(math.sqrt(10 / 3), abs=0.005)


def test_of_two_worlds_no_spread_is_told():
    two = {world: PLAIN[world] for world in (1, 2)}
    assert rows([trial("sequential", two, 0.04), trial("das", two, 0.04)]) == []


def test_five_points_of_cloze_are_told_in_nats_of_plain_training():
    learned, forgotten = tuning_spreads.worth([trial("sequential", PLAIN, 0.04)])
    assert "learned go with 0.050 nats of loss" in learned
    assert "forgotten go with 0.200 nats of loss" in forgotten and "4 of the worlds" in forgotten
    assert not list(tuning_spreads.worth([trial("das", PLAIN, 0.04)]))
