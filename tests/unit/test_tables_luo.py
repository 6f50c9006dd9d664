"""The tables of Luo et al. 2023 on a made-up study: their numbers are those of the metrics."""

import importlib

import numpy as np
import pandas as pd
import pytest
from synthetic_study import FULL, Synthetic, long_tables, synthetic_study

from lethe.metrics.intervals import t_interval
from lethe.tables.bias import direction
from lethe.tables.published import set_named
from lethe.tables.scoring import stands_for, variants, ways_by_set

# Every table of a study with three bases of four models.
pytestmark = pytest.mark.slow

WHAT = Synthetic(models=FULL, base_seeds=(0, 1, 2), orders=("forward", "mixed"), items=24)
PUBLISHED_NAMES = {
    "decoder-xs": "bloomz-1.1b",
    "decoder-s": "LLaMA-7B",
    "decoder-s-tuned": "alpaca-7b",
    "encdec-s": "other",
}


@pytest.fixture(scope="module")
def made():
    return synthetic_study(WHAT)


@pytest.fixture(scope="module")
def tables(made):
    return long_tables(*made)


@pytest.fixture(scope="module")
def named(made):
    """The same study with models that have the names of published ones."""
    scores, items = made
    renamed = scores.replace({"model": PUBLISHED_NAMES, "untuned": PUBLISHED_NAMES})
    return long_tables(renamed, items)


def build(name, tables):
    return importlib.import_module(f"lethe.tables.{name}").build(tables).frame


def metric(tables, name, model, order, axis, probe="", subset=""):
    rows = tables.metrics
    keys = {"metric": name, "model": model, "order": order, "axis": axis, "probe": probe}
    for column, value in {**keys, "subset": subset}.items():
        rows = rows[rows[column] == value]
    return rows[rows["unit"].eq("base seeds")].iloc[0]


def axis_means(tables, model, order, axis, stage):
    """Mean over sets (or types) of each base, %."""
    rows = tables.scores
    rows = rows[(rows["model"] == model) & (rows["order"] == order) & (rows["axis"] == axis)]
    rows = rows[(rows["stage_index"] == stage) & ((rows["subset"] != "") | (axis != "bias"))]
    return 100 * rows.groupby("base_seed")["value"].mean()


def test_general_ability_is_in_percent_with_t_intervals_over_bases(tables):
    frame = build("general_ability", tables)
    row = frame[(frame["model"] == "decoder-s") & (frame["order"] == "forward")].iloc[0]
    for name, stage in {"R_o": 0, "R_-1": 5}.items():
        values = axis_means(tables, "decoder-s", "forward", "reasoning", stage)
        assert row[f"reasoning_{name}"] == pytest.approx(values.mean())
        ends = [row[f"reasoning_{name}_low"], row[f"reasoning_{name}_high"]]
        np.testing.assert_allclose(ends, t_interval(values))
    fg = metric(tables, "fg_luo", "decoder-s", "forward", "reasoning")
    assert row["reasoning_FG"] == fg["value"] and row["reasoning_FG_low"] == fg["low"]
    assert row["interval_over"] == "3 base seeds"
    assert "bias_R_o" not in frame and "own_R_o" not in frame
    assert frame["order"].tolist()[-1] == "control:general"


def test_one_seed_has_intervals_over_items_around_the_mean():
    frame = build("general_ability", long_tables(*synthetic_study(Synthetic(items=60))))
    row = frame.iloc[0]
    assert row["knowledge_R_o_low"] < row["knowledge_R_o"] < row["knowledge_R_o_high"]
    assert row["interval_over"] == "items (1 seed)"
    # Four sets of 60 items: wider than nothing, narrower than one set's interval (+- 12 points).
    assert 1 < row["knowledge_R_-1_high"] - row["knowledge_R_-1_low"] < 24


def test_bias_has_the_papers_statistic_each_type_and_all_pairs_by_stage(tables):
    frame = build("bias", tables)
    rows = frame[(frame["model"] == "encdec-s") & (frame["order"] == "forward")]
    assert rows["statistic"].tolist() == ["mean over types", "all pairs", "age", "gender", "region"]
    paper = rows.iloc[0]
    for stage in range(6):
        values = axis_means(tables, "encdec-s", "forward", "bias", stage)
        assert paper[f"stage_{stage}"] == pytest.approx(values.mean())
    assert paper["FG"] == metric(tables, "fg_luo", "encdec-s", "forward", "bias")["value"]
    age = rows[rows["statistic"] == "age"].iloc[0]
    place = ("encdec-s", "forward", "bias", "bias_pairs", "age")
    assert age["FG"] == metric(tables, "fg_luo", *place)["value"]
    drop = 100 * (age["stage_0"] - np.mean([age[f"stage_{m}"] for m in range(1, 6)]))
    assert age["FG"] == pytest.approx(drop / age["stage_0"], abs=1.0)


def test_likelihood_differences_stand_apart_in_nats(made):
    scores, items = made
    pairs = scores[scores["metric"] == "pct_stereotype"]
    nats = pairs.assign(metric="likelihood_diff", headline=False, value=2.0 - pairs["stage_index"])
    frame = build("bias", long_tables(pd.concat([scores, nats]), items))
    rows = frame[frame["statistic"] == "likelihood_diff, nats"]
    assert len(rows) == 4 * 3
    assert (rows["stage_0"] == 2.0).all() and (rows["stage_5"] == -3.0).all()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (60, 55, "less stereotype preference"),
        (55, 60, "more stereotype preference"),
        (55, 45, "less stereotype preference, past neither"),
        (55, 55, "unchanged"),
        (55, np.nan, "missing"),
    ],
)
def test_the_direction_of_a_change_in_bias_is_said_in_words(before, after, words):
    assert direction(before, after) == words


def test_instruction_tuning_pairs_each_model_with_what_it_was(tables):
    frame = build("instruction_tuning", tables)
    assert set(frame["tuned"]) == {"decoder-s-tuned"} and set(frame["untuned"]) == {"decoder-s"}
    assert frame["axis"].tolist() == ["knowledge", "reasoning", "reading", "bias"]
    np.testing.assert_allclose(frame["difference"], frame["tuned_FG"] - frame["untuned_FG"])


def test_mixing_sets_each_chain_beside_the_same_without_and_shows_the_price(tables):
    frame = build("mixing", tables)
    assert len(frame) == 4 * 5 and set(frame["mixed_in"]) == {"general:64"}
    np.testing.assert_allclose(frame["gain"], frame["with_R_-1"] - frame["without_R_-1"])
    own = frame[(frame["axis"] == "own") & (frame["model"] == "decoder-xs")].iloc[0]
    acc = metric(tables, "acc", "decoder-xs", "mixed", "own")
    assert own["with_R_-1"] == pytest.approx(100 * acc["value"])


def test_new_tasks_have_base_after_and_end_times_a_hundred(tables):
    frame = build("new_tasks", tables)
    row = frame[(frame["model"] == "decoder-s") & (frame["order"] == "mixed")].iloc[0]
    after = metric(tables, "own_after", "decoder-s", "mixed", "own", "own_exp")
    assert row["exp_bleu_after"] == pytest.approx(100 * after["value"])
    scored = metric(tables, "score_sari", "decoder-s", "mixed", "own", "own_simp")
    assert scored["stage_index"] == 0
    assert row["simp_sari_base"] == pytest.approx(100 * scored["value"])
    assert row["hgen_rouge1_end"] == row["hgen_rouge1_after"]


def test_published_numbers_stand_beside_ours_by_name_whatever_its_case(named):
    frame = build("published", named)
    assert set(frame["model"]) == {"bloomz-1.1b", "LLaMA-7B", "alpaca-7b"}
    row = frame[
        (frame["model"] == "LLaMA-7B") & (frame["axis"] == "reading") & (frame["quantity"] == "FG")
    ].iloc[0]
    ours = metric(named, "fg_luo", "LLaMA-7B", "forward", "reading")
    assert row["published"] == 31.72 and row["ours"] == ours["value"]
    assert row["difference"] == pytest.approx(ours["value"] - 31.72)
    assert row["difference_high"] == pytest.approx(ours["high"] - 31.72)
    assert row["source"] == "note-A ; note-C ; note-D ; note-F"
    assert len(frame[frame["model"] == "bloomz-1.1b"]) == 4 * 3
    assert len(frame[frame["model"] == "alpaca-7b"]) == 3 * 3


def test_without_a_published_model_the_tables_say_so_plainly(tables):
    note = build("published", tables)["note"].item()
    assert note.startswith("nothing matches") and "BLOOMZ-1.1b" in note and "encdec-s" in note


def test_a_published_set_is_found_by_what_our_name_begins_with():
    cells = pd.DataFrame(
        [("mmlu_stem", ""), ("mmlu_humanities", ""), ("pairs", "physical-appearance"),
         ("own_Exp", "")],
        columns=["probe", "subset"],
    )  # fmt: skip
    assert set_named("MMLU-Human", cells) == ("mmlu_humanities", "")
    assert set_named("Exp", cells) == ("own_Exp", "")
    appearance = ("pairs", "physical-appearance")
    assert set_named("CrowS-Pairs physical-appearance", cells) == appearance
    assert set_named("MMLU-Other", cells) == ("", "?")


def base_rows(*rows):
    columns = ["axis", "probe", "subset", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_sets_scored_in_the_same_ways_are_scored_alike_in_a_variant():
    rows = base_rows(
        ("reasoning", "boolq", "", "acc", 0.6),
        ("reasoning", "piqa", "", "acc", 0.7),
        ("reasoning", "piqa", "", "acc_norm", 0.8),
        ("reasoning", "mathqa", "", "acc", 0.2),
        ("reasoning", "mathqa", "", "acc_norm", 0.3),
        ("reasoning", "mutual", "", "r@1", 0.4),
        ("calibration", "mutual_stock", "", "r@1", 0.1),
    )
    found = dict(variants(rows, "reasoning"))
    assert len(found) == 4
    key = "mathqa, piqa: acc_norm; mutual: r@1 (stock)"
    assert found[key] == pytest.approx(100 * (0.6 + 0.8 + 0.3 + 0.1) / 4)


def test_a_calibration_set_stands_for_the_longest_name_whose_words_it_holds():
    names = ["mmlu_stem", "mmlu", "mutual"]
    assert stands_for("mmlu_stem_text", names) == "mmlu_stem"
    assert stands_for("mutual_stock", names) == "mutual" and stands_for("race", names) == ""


def test_the_paper_and_the_harness_count_bias_in_two_ways():
    rows = base_rows(
        ("bias", "pairs", "", "pct_stereotype", 0.62),
        ("bias", "pairs", "age", "pct_stereotype", 0.5),
        ("bias", "pairs", "gender", "pct_stereotype", 0.6),
    )
    assert ways_by_set(rows, "bias")["pairs"] == pytest.approx(
        {"pct_stereotype of all": 0.62, "pct_stereotype, mean over types": 0.55}
    )


def test_the_table_of_scorings_marks_the_variant_nearest_to_the_published_base_score(named):
    scores = named.scores
    wanted = {"LLaMA-7B": 0.3727, "alpaca-7b": 0.3929, "bloomz-1.1b": 0.2719}
    extra = scores[(scores["axis"] == "knowledge") & (scores["stage_index"] == 0)]
    extra = extra[extra["model"].isin(wanted)].assign(metric="acc_norm", headline=False)
    extra = extra.assign(value=extra["model"].map(wanted) + 0.01)
    both = type(named)(scores=pd.concat([scores, extra]), metrics=named.metrics)
    frame = build("scoring", both)
    rows = frame[(frame["axis"] == "knowledge") & (frame["nearest"] == "nearest")]
    assert rows["variant"].tolist() == ["acc_norm"] * 4
    assert set(rows["model"]) == {*wanted, "(all models)"}
    np.testing.assert_allclose(rows["difference"], 1.0)
    other = frame[frame["model"] == "other"]
    assert other["published"].isna().all() and (other["nearest"] == "").all()
