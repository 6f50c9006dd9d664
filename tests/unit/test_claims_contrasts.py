"""Each contrast on subjects whose numbers are set by hand."""

import pytest

from lethe.claims import method_contrasts  # noqa: F401 - makes its contrasts known
from lethe.claims.cells import Question
from lethe.claims.contrasts import CONTRASTS
from lethe.config.claims import METHODS_COMPARED, ClaimPart
from lethe.metrics.subjects import Subject, reference

TASKS = ("a", "b")


def subject(model, params=1e6, numbers=(), **words):
    """numbers: {(metric, axis, element): values}, a value per base seed 0, 1, ..."""
    by_seeds = {
        place: {(100, seed, 0): value for seed, value in enumerate(values)}
        for place, values in dict(numbers).items()
    }
    words = {"family": "causal", "series": model, "untuned": "", "tasks": TASKS, **words}
    return Subject(model, params, numbers=by_seeds, **words)


def fg(*values, axis="knowledge"):
    return {("fg_luo", axis, ""): values}


def ask(contrast, metric="fg_luo", axes=("knowledge",), unit="bases"):
    asked = Question("C", "p", contrast, metric, axes, unit, 1.0)
    return lambda *subjects: CONTRASTS[contrast](list(subjects), asked)


def only(cells):
    assert len(cells) == 1
    return cells[0]


def test_every_contrast_that_a_catalogue_may_name_is_a_function_and_the_reverse():
    named = ClaimPart.model_fields["contrast"].annotation.__args__
    assert sorted(named) == sorted(CONTRASTS)
    assert set(METHODS_COMPARED) <= set(CONTRASTS)


def test_above_zero_is_the_metric_of_every_model():
    cells = ask("above_zero")(subject("m", numbers=fg(4, 6)), subject("n", 2e6))
    assert cells[0].about == "m" and list(cells[0].effects.values()) == [4, 6]
    assert cells[1].missing == "no fg_luo of knowledge for n"


def test_axis_ordering_subtracts_each_axis_from_the_one_before_it():
    numbers = fg(9, 8, axis="reading") | fg(5, 6) | fg(1, 7, axis="reasoning")
    order = ("reading", "knowledge", "reasoning")
    first, second = ask("axis_ordering", axes=order)(subject("m", numbers=numbers))
    assert (first.axis, list(first.effects.values())) == ("reading - knowledge", [4, 2])
    assert (second.axis, list(second.effects.values())) == ("knowledge - reasoning", [4, -1])


def test_growth_is_between_neighbours_in_size_within_a_series_paired_by_base():
    large = subject("l", 4e6, fg(10, 20), series="s")
    middle = subject("m", 2e6, fg(7, 5), series="s")
    small = subject("k", 1e6, fg(4, 4, 99), series="s")
    other = subject("x", 3e6, fg(0, 0))
    first, second = ask("grows_with_size")(large, other, small, middle)
    assert first.about == "m - k" and list(first.effects.values()) == [3, 1]
    assert "1 runs have no partner" in first.note
    assert second.about == "l - m" and list(second.effects.values()) == [3, 15]
    assert "two sizes" in only(ask("grows_with_size")(small, other)).missing


def test_a_turn_is_positive_only_where_there_is_a_rise_and_a_fall():
    def sizes(*values):
        place = ("base_score", "bias", "")
        return [
            subject(f"m{number}", number + 1.0, {place: [value]}, series="s")
            for number, value in enumerate(values)
        ]

    turns = ask("turns_with_size", "base_score", ("bias",))
    assert only(turns(*sizes(61, 65, 63, 66))).effects == {(100, 0): 2}
    assert only(turns(*sizes(61, 62, 63))).effects == {(100, 0): -1}
    assert only(turns(*sizes(63, 62, 61))).effects == {(100, 0): -1}
    assert "three sizes" in only(turns(*sizes(61, 65))).missing


def test_the_range_over_sizes_narrows_by_what_it_was_less_what_it_is():
    ends = [("base_score", "knowledge", ""), ("final_score", "knowledge", "")]
    sizes = [
        subject("k", 1e6, dict(zip(ends, ([30], [24]), strict=True)), series="s"),
        subject("l", 2e6, dict(zip(ends, ([36], [25]), strict=True)), series="s"),
    ]
    assert only(ask("range_narrows", "final_score")(*sizes)).effects == {(100, 0): 5}


def test_an_encoder_decoder_is_compared_with_the_decoder_nearest_in_size():
    other = subject("t", 3.7e9, fg(20), family="seq2seq")
    near, far = subject("n", 3e9, fg(14)), subject("f", 7e9, fg(1))
    found = only(ask("causal_below_seq2seq")(far, near, other))
    assert found.about == "n - t" and found.effects == {(100, 0): -6} and not found.note
    lone = only(ask("causal_below_seq2seq")(subject("f", 9e9, fg(1)), other))
    assert "sizes differ 2.4 times" in lone.note
    assert "no decoder beside" in only(ask("causal_below_seq2seq")(near, far)).missing


def test_of_two_decoders_equally_near_the_untuned_stands_beside_the_untuned():
    other = subject("t", 1e6, fg(20), family="seq2seq")
    plain, tuned = subject("z", 1e6, fg(14)), subject("a", 1e6, fg(1), untuned="z")
    assert only(ask("causal_below_seq2seq")(plain, tuned, other)).about == "z - t"


def test_a_tuned_model_is_compared_with_what_it_was():
    plain, tuned = subject("z", numbers=fg(14, 10)), subject("a", numbers=fg(4, 9), untuned="z")
    found = only(ask("tuned_below_untuned")(plain, tuned))
    assert found.about == "a - z" and list(found.effects.values()) == [-10, -1]
    assert "no model beside" in only(ask("tuned_below_untuned")(plain)).missing


def test_mixing_pairs_chains_of_one_model_with_the_same_first_tasks():
    place = ("final_score", "knowledge", "")
    plain = subject("m", numbers={place: [40]}, extras=("", ""))
    mixed = subject("m", numbers={place: [47]}, extras=("general:64", "general:64"))
    reverse = subject("m", numbers={place: [99]}, tasks=("b", "a"), extras=("general:64", ""))
    unlike = subject("n", numbers={place: [99]}, extras=("general:64", ""))
    asked = ask("mixing_raises_final", "final_score", unit="train seeds")
    found = only(asked(plain, mixed, reverse, unlike))
    assert found.about == "m + general:64" and found.effects == {(100, 0, 0): 7}
    assert found.over == "train seeds"
    assert "no chain with more mixed in" in only(asked(plain, reverse)).missing


def test_new_tasks_are_a_cell_each():
    rises = {("own_rise", "own", "own_a"): [30], ("own_rise", "own", "own_b"): [-2]}
    cells = ask("new_tasks_rise", "own_rise", ("own",))(subject("m", numbers=rises))
    assert [cell.about for cell in cells] == ["m own_a", "m own_b"]
    assert [list(cell.effects.values()) for cell in cells] == [[30], [-2]]


def test_spread_over_orders_is_the_range_over_orders_of_the_same_tasks():
    forward = subject("m", numbers=fg(4, 6), order="forward")
    reverse = subject("m", numbers=fg(7, 5), order="reverse", tasks=("b", "a"))
    fewer = subject("m", numbers=fg(99, 99), order="short", tasks=("a",))
    found = only(ask("spread_over_orders")(forward, reverse, fewer))
    assert list(found.effects.values()) == [3, 1] and "2 orders: forward, reverse" in found.note
    assert "no two orders" in only(ask("spread_over_orders")(forward)).missing


def test_spread_over_seeds_is_a_standard_deviation():
    found = only(ask("spread_over_seeds")(subject("m", numbers=fg(4, 6, 8))))
    assert list(found.effects.values()) == [pytest.approx(2.0)]
    assert found.units == 3 and found.note == "standard deviation over them"


def test_bases_at_floor_are_left_out_and_named():
    part = subject("m", numbers=fg(4, 6), floor={"knowledge": {(100, 0, 0)}})
    found = only(ask("above_zero")(part))
    assert found.effects == {(100, 1): 6}
    assert found.note == "at floor, left out: m (world 100, base 0)"
    every = {(100, 0, 0), (100, 1, 0)}
    part = subject("m", numbers=fg(4, 6), floor={"knowledge": every})
    found = only(ask("above_zero")(part))
    assert not found.effects and found.missing.startswith("at floor, left out: m (world 100")


def test_models_without_a_seed_in_common_are_not_compared():
    one = Subject("z", 1e6, "causal", "z", "", tasks=TASKS)
    one.numbers["fg_luo", "knowledge", ""] = {(100, 5, 0): 1.0}
    tuned = subject("a", numbers=fg(4), untuned="z")
    assert only(ask("tuned_below_untuned")(one, tuned)).missing == "a and z share no seeds"


def test_the_reference_is_the_sequence_that_most_models_were_taught():
    models = [
        subject("m", tasks=("b", "a"), order="reverse"),
        subject("m", order="forward"),
        subject("n", order="forward"),
        subject("n", order="forward", method="ewc"),
    ]
    found = reference(models)
    assert [(one.model, one.order, one.method) for one in found] == [
        ("m", "forward", "sequential"),
        ("n", "forward", "sequential"),
    ]
    assert reference([]) == []
