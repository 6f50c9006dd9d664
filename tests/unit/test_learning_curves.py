"""Curves of a made-up study whose shares are known, its table and its frontier."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from equal_learning_study import (
    RATES,
    SMALL,
    WORLDS,
    equal_study,
    usual_kept,
    usual_learned,
)
from figure_checks import problems
from synthetic_study import long_tables, synthetic_study
from test_latex import complaints, needs_pdflatex

from lethe.commands import figure as command
from lethe.errors import UserError
from lethe.figures.frontier_words import without_shares
from lethe.longtables.tables import LongTables
from lethe.metrics.comparisons import paired_difference
from lethe.metrics.equal_learning import ABOVE, BELOW
from lethe.metrics.learning_curves import MISSING, NOT_KEPT, curves, level_of
from lethe.metrics.learning_points import points
from lethe.tables import equal_learning
from lethe.tables.latex import latex
from lethe.tables.writing import readable

FEW = {"methods": ("sequential", "kd"), "worlds": WORLDS[:2]}


@pytest.fixture(scope="module")
def study():
    return equal_study()


def row_of(table, method):
    rows = table.frame[table.frame["method"] == method]
    assert len(rows) == 1
    return rows.iloc[0]


def test_reference_chains_are_apart_from_what_other_tables_and_figures_read(study):
    assert not study.scores["order"].str.startswith("alone:").any()
    assert not study.metrics["order"].str.startswith("alone:").any()
    assert set(study.references.metrics["order"]) == {"alone:simp", "alone:emdg"}
    # The base's other sets are scored, but are no metrics of a reference chain.
    assert set(study.references.metrics["probe"]) == {"own_simp", "own_emdg"}


def test_points_are_the_shares_that_the_study_was_made_with(study):
    frame = points(study)
    assert len(frame) == 3 * 3 * 3 and not frame["note"].any()
    for row in frame.to_dict("records"):
        place, world = int(row["recipe"][-1]), WORLDS.index(row["world_seed"])
        assert row["rate"] == RATES[place]
        assert row["learned"] == pytest.approx(usual_learned(row["method"], place, world))
        for kind in ("kept", "kept knowledge", "kept reading"):
            assert row[kind] == pytest.approx(usual_kept(row["method"], place, world))


def test_a_curve_runs_from_the_lowest_rate_and_each_world_is_interpolated_by_itself(study):
    assert study.scores["recipe"].iloc[0] == "rate-2"  # the study lists the highest first
    plain, kd, weak = curves(study)
    assert (plain.method, plain.recipes) == ("sequential", ("rate-0", "rate-1", "rate-2"))
    assert plain.rates == RATES and plain.unit == "world" and plain.is_plain
    for number, world in enumerate(WORLDS):
        for curve in (plain, kd):
            x = [usual_learned(curve.method, place, number) for place in range(3)]
            y = [usual_kept(curve.method, place, number) for place in range(3)]
            assert curve.at()[world] == pytest.approx(np.interp(0.9, x, y))
            assert curve.at("reasoning")[world] == pytest.approx(curve.at()[world])
    assert weak.reasons() == {BELOW: list(WORLDS)}


def test_the_table_has_the_paired_difference_to_plain_training_and_what_it_cost(study):
    table = equal_learning.build(study)
    plain, kd = (row_of(table, method) for method in ("sequential", "kd"))
    curve = {found.method: found for found in curves(study)}
    test = paired_difference(*(list(curve[name].at().values()) for name in ("kd", "sequential")))
    names = ["less_plain", "less_plain_low", "less_plain_high"]
    assert kd[names].tolist() == pytest.approx([100 * x for x in (test.mean, test.low, test.high)])
    assert kd["pairs"] == 3 and kd["ratio"] == 2.0 and plain["ratio"] == 1.0
    assert kd["rates"] == "0.0001 / 0.0003 / 0.001" and kd["learned"] == "59 / 87 / 97"
    assert np.isnan(plain["less_plain"]) and plain["of_plain"] == pytest.approx(100)
    assert "over 3 worlds" in kd["note"] and "at learned = 90 %" in table.caption


def test_a_method_that_learns_too_little_is_said_not_to_learn_here_with_its_curve(study):
    weak = row_of(equal_learning.build(study), "weak")
    assert weak["note"] == f"{equal_learning.TOO_LOW}; {BELOW}"
    assert weak["of_plain"] == pytest.approx(50.0, abs=0.5)
    assert weak["learned"] == "30 / 44 / 49" and weak["kept"] == "85 / 65 / 35"
    shown = readable(equal_learning.build(study)).iloc[2]
    assert shown["kept_at_level"] == shown["less_plain"] == "-"


def test_only_a_curve_that_turns_down_says_that_a_method_does_not_learn_here():
    def learned(method, rate, world):
        return usual_learned(method, rate, world) - 0.3 * (method == "weak" and rate == 2)

    weak = row_of(equal_learning.build(equal_study(learned=learned)), "weak")
    assert weak["learned"] == "30 / 44 / 19"
    assert weak["note"] == f"{equal_learning.NO_LEARNING}; {BELOW}"


def test_nothing_is_read_beyond_the_rates_in_worlds_that_do_not_bracket_the_level():
    def learned(method, rate, world):
        # In the last world `kd` learns more than L* even at its lowest rate.
        return usual_learned(method, rate, world) + 0.35 * (method == "kd" and world == 2)

    table = equal_learning.build(equal_study(methods=("sequential", "kd"), learned=learned))
    kd = row_of(table, "kd")
    assert f"{ABOVE} in 1 of 3 worlds" in kd["note"] and kd["pairs"] == 2
    assert "over 2 worlds, too few for an interval: a direction at most" in kd["note"]
    # A mean over some of the worlds has no interval, for they are not any two worlds.
    assert np.isnan(kd["kept_at_level_low"]) and not np.isnan(kd["kept_at_level"])


def test_another_level_moves_the_comparison_and_parts_with_two_levels_are_refused():
    low = equal_study(**FEW, level=0.7)
    assert level_of(low) == 0.7
    plain = curves(low)[0]
    x, y = ([f("sequential", n, 0) for n in range(3)] for f in (usual_learned, usual_kept))
    assert plain.at()[100] == pytest.approx(np.interp(0.7, x, y))
    stages = low.references.stages
    other = stages.assign(value=stages["value"].where(stages["measure"] != "references.level", 0.5))
    both = replace(low.references, stages=pd.concat([stages, other]))
    with pytest.raises(UserError, match="found 0.5, 0.7; parts of a study"):
        curves(replace(low, references=both))


def test_a_missing_cell_leaves_no_number_and_the_note_names_it():
    whole = equal_study(**FEW)
    metrics = whole.metrics
    gone = (metrics["metric"] == "own_after") & (metrics["probe"] == "own_emdg")
    gone &= (metrics["recipe"] == "rate-1") & (metrics["method"] == "kd")
    tables = replace(whole, metrics=metrics.assign(value=metrics["value"].mask(gone)))
    kd = row_of(equal_learning.build(tables), "kd")
    assert kd["learned"] == "59 / ? / 97" and np.isnan(kd["kept_at_level"])
    assert MISSING in kd["note"] and "the score of own_emdg (own) is missing" in kd["note"]
    general = whole.scores["probe"].eq("know_nature") & whole.scores["stage_index"].eq(2)
    found = points(replace(whole, scores=whole.scores[~general]))
    assert found["note"].str.contains(r"the score of know_nature \(last\) is missing").all()
    assert found["kept"].isna().all() and found["kept reading"].notna().all()


def test_a_chain_whose_last_stage_has_no_score_is_not_read_at_an_earlier_one():
    whole = equal_study(**FEW)
    scores = whole.scores
    ended = (scores["method"] == "kd") & (scores["stage_index"] == 2)
    found = points(replace(whole, scores=scores[~ended])).set_index("method")
    assert found.loc["kd", "kept"].isna().all() and found.loc["sequential", "kept"].notna().all()


def test_sets_that_are_scored_before_the_first_stage_alone_are_not_kept():
    whole = equal_study(**FEW)
    scores = whole.scores
    base_alone = scores["probe"].eq("know_nature") & scores["stage_index"].gt(0)
    found = points(replace(whole, scores=scores[~base_alone]))
    assert found["kept knowledge"].notna().all() and not found["note"].any()


@pytest.mark.parametrize(("seed", "unit"), [("base_seed", "base"), ("train_seed", "train seed")])
def test_with_one_world_bases_are_paired_and_of_one_base_train_seeds(seed, unit):
    whole = equal_study(**FEW)

    def swap(frame):
        return frame.assign(**{seed: frame["world_seed"] - 100, "world_seed": 100})

    alone = whole.references
    if seed == "train_seed":  # the reference is of one base, with the first train seed
        first = {n: getattr(alone, n) for n in ("scores", "metrics", "stages")}
        alone = LongTables(**{n: f[f["world_seed"] == 100] for n, f in first.items()})
    else:
        alone = LongTables(swap(alone.scores), swap(alone.metrics), swap(alone.stages))
    tables = LongTables(
        swap(whole.scores), swap(whole.metrics), swap(whole.stages), references=alone
    )
    plain, kd = curves(tables)
    assert plain.unit == unit and set(plain.at()) == set(kd.at()) == {0, 1}
    assert "over 2 " + unit + "s" in row_of(equal_learning.build(tables), "kd")["note"]


def test_without_the_table_of_stages_a_sentence_asks_for_it():
    whole = equal_study(**FEW)
    alone = replace(whole.references, stages=whole.stages[:0])
    with pytest.raises(UserError, match="give it with `--stages`"):
        curves(replace(whole, references=alone))


def test_recipes_that_differ_by_more_than_the_rate_are_curves_of_their_own():
    whole = equal_study(**FEW)
    stages = whole.stages
    other = (stages["measure"] == "recipe.curve") & (stages["recipe"] == "rate-2")
    tables = replace(whole, stages=stages.assign(value=stages["value"].mask(other, 5.0)))
    found = [(curve.method, curve.recipes) for curve in curves(tables)]
    assert found == [
        ("sequential", ("rate-2",)),
        ("sequential", ("rate-0", "rate-1")),
        ("kd", ("rate-2",)),
        ("kd", ("rate-0", "rate-1")),
    ]
    table = equal_learning.build(tables)
    # Plain training first, its first curve being what the others are held against.
    assert table.frame["method"].tolist() == ["sequential"] * 2 + ["kd"] * 2
    assert "recipes" in table.columns and "recipes" not in equal_learning.build(whole).columns


def test_where_plain_training_learns_nothing_no_method_is_measured_against_it():
    study = equal_study(**FEW, learned=lambda method, rate, world: 0.5 * (method == "kd"))
    for row in equal_learning.build(study).frame.to_dict("records"):
        assert np.isnan(row["of_plain"]) and "plain training learns nothing here" in row["note"]


def test_a_parametrisation_has_its_own_curve_and_is_held_against_plain_full_training():
    whole = equal_study(**FEW)
    frames = {"scores": whole.scores, "metrics": whole.metrics, "stages": whole.stages}
    of = {
        name: frame["method"].map({"kd": "lora"}).fillna("full") for name, frame in frames.items()
    }
    known = {name: frame.assign(parametrisation=of[name]) for name, frame in frames.items()}
    table = equal_learning.build(replace(whole, **known))
    kd = row_of(table, "kd")
    assert kd["parametrisation"] == "lora" and kd["pairs"] == 2
    assert "parametrisation" in table.columns
    drawn_points = drawn(replace(whole, **known)).plotted
    # One name for it in all panels, so that it has one colour.
    named = drawn_points.groupby("of")["method"].agg(set)
    assert "kd (lora)" in named["equal"] and named["equal"] == named["own"]


def test_a_study_without_references_has_no_curve_and_says_so():
    tables = long_tables(*synthetic_study(SMALL))
    assert level_of(tables) is None and curves(tables) == []
    assert "no `references`" in readable(equal_learning.build(tables)).to_string()


def drawn(tables: LongTables, width: str = "text"):
    with command.style():
        return command.draw("frontier", tables, width)


def test_the_frontier_shows_shares_joined_from_the_lowest_rate_and_marks_the_level(study):
    result = drawn(study)
    plotted = result.plotted[result.plotted["of"] == "equal"]
    assert len(plotted) == 9 and set(plotted["level"]) == {90.0}
    panel = result.figure.axes[0]
    joined = [list(line.get_xdata()) for line in panel.lines if len(line.get_xdata()) == 3]
    for curve in curves(study):
        of_method = plotted[plotted["method"] == curve.method].sort_values("rate")
        assert of_method["learned_value"].tolist() == pytest.approx(list(100 * curve.learned))
        assert of_method["kept_value"].tolist() == pytest.approx(list(100 * curve.kept))
        assert of_method["learned_value"].tolist() in joined
    assert any(list(line.get_xdata()) == [90.0, 90.0] for line in panel.lines)
    # Changes of general ability are not shown beside shares of it.
    assert "delta_general" not in set(result.plotted["kept"])
    assert "Dotted: the level L*" in result.caption and "3 worlds" in result.caption


def test_where_no_chain_has_both_shares_the_frontier_says_what_it_shows_instead(study):
    points = pd.DataFrame({"of": ["own"]})
    assert "general ability is in points instead" in without_shares(points, 0.9)
    assert without_shares(points, None) == "" and "instead" not in drawn(study).caption


@pytest.mark.parametrize("width", ["column", "text", "page"])
def test_the_frontier_at_equal_learning_is_readable(study, width):
    with command.style():
        assert problems(drawn(study, width).figure) == []


def test_sets_at_floor_are_left_out_of_what_is_kept_and_named():
    whole = equal_study(**FEW)
    scores = whole.scores
    wide = scores["probe"].isin(["know_nature", "know_history", "read_high"])
    known = points(replace(whole, scores=scores.assign(stderr=scores["stderr"].mask(wide, 1.0))))
    assert set(known["note"]) == {"at floor: know_history, know_nature, read_high"}
    assert "kept knowledge" not in known and known["kept reading"].notna().all()
    every = scores["kind"] == "probe"
    none = replace(whole, scores=scores.assign(stderr=scores["stderr"].mask(every, 1.0)))
    for curve in curves(none):
        assert np.isnan(list(curve.at().values())).all()
        assert set(curve.reasons()) == {NOT_KEPT}


@needs_pdflatex
def test_the_table_is_no_wider_than_the_text(study, tmp_path):
    text = latex(equal_learning.build(study))
    assert complaints({"equal_learning": text}, tmp_path) == []
