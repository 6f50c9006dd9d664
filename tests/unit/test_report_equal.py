"""The headlines of a study with reference chains are numbers of its table `equal_learning`."""

import pytest
from equal_learning_study import equal_study

from lethe.report.equal_headlines import equal_tiles
from lethe.tables import equal_learning

LEVEL = 0.9


def tiles_of(**study):
    frame = equal_learning.build(equal_study(**study)).frame
    return frame, equal_tiles(frame, LEVEL)


@pytest.fixture(scope="module")
def usual():
    """Plain training, `kd`, which keeps ten points more, and `weak`, which learns too little."""
    return tiles_of()


def shown(number: float) -> str:
    return f"{number:.1f}".replace("-", "−")


def test_what_plain_training_keeps_is_the_tables_number_with_its_interval(usual):
    frame, (plain, *_) = usual
    row = frame[frame["method"] == "sequential"].iloc[0]
    assert plain.number == f"{row['kept_at_level']:.1f} %"
    low, high = (shown(row[f"kept_at_level_{end}"]) for end in ("low", "high"))
    assert plain.interval == f"{low} to {high}"


def test_the_method_that_keeps_most_is_paired_with_plain_training(usual):
    frame, (_, best, _) = usual
    row = frame[frame["method"] == "kd"].iloc[0]
    assert (best.heading, best.number) == ("kd keeps most", f"+{row['less_plain']:.1f} points")
    assert "not corrected for their number" in best.words and "3 paired" in best.words


def test_methods_that_learn_too_little_are_counted_out(usual):
    assert usual[1][2].number == "2 of 3"


def test_one_world_is_said_to_be_too_few(usual):
    _, found = tiles_of(worlds=(100,))
    assert [tile.interval for tile in found[:2]] == ["no interval"] * 2
    assert found[1].heading == "kd kept most here" and "may be chance" in found[1].words


def test_without_plain_training_there_is_nothing_to_say():
    assert tiles_of(methods=("kd",))[1] == []


def test_where_no_method_keeps_more_than_plain_training_that_is_the_heading():
    def kept(method: str, rate: int, world: int) -> float:
        return (0.8, 0.6, 0.3)[rate] + 0.05 * world - (0.1 if method == "kd" else 0.0)

    best = tiles_of(kept=kept)[1][1]
    assert best.heading == "kd kept less than plain training" and best.number.startswith("−")
