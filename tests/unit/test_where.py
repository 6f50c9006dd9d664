"""What is said at the end of a run."""

from lethe.commands.where import first_warnings


def test_one_warning_of_every_kind_is_named_in_the_order_of_weight_and_the_rest_is_counted():
    cuts = [f"cut texts (xs, replay, {n}): stage 1" for n in range(6)]
    others = ["not learned (xs): own_a is 0.1", "few runs: 3 of 3"]
    found = first_warnings([others[0], *cuts, others[1]])
    assert found == [others[0], *cuts[:3], others[1], "and 3 cut texts"]
    assert first_warnings(cuts[:2]) == cuts[:2]
    assert first_warnings([]) == []
