"""What is said at the end of a run."""

from lethe.commands.where import in_turn


def test_the_first_warning_of_every_kind_comes_before_the_second_of_any():
    cuts = [f"cut texts (xs, replay, {n}): stage 1" for n in range(6)]
    others = ["not learned (xs): own_a is 0.1", "few runs: 3 of 3"]
    found = in_turn([others[0], *cuts, others[1]])
    assert found == [others[0], cuts[0], others[1], *cuts[1:]]
    assert in_turn([]) == []
