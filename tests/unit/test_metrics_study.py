"""The metrics table of a made-up study."""

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, synthetic_study, typed

from lethe.errors import UserError
from lethe.figures.axis_means import axis_means
from lethe.longtables.own_sets import is_own
from lethe.longtables.tables import METRIC_COLUMNS, matrix, read_metrics, runs, write_metrics
from lethe.metrics import general
from lethe.metrics import matrix as task_matrix
from lethe.metrics.schedule import Schedule
from lethe.metrics.shown import LINE_COLUMNS
from lethe.metrics.study import study_metrics

SMALL = Synthetic(models=(("xs", 1000),), items=40)
FEW = 60


@pytest.fixture(scope="module")
def tables():
    return typed(*synthetic_study(SMALL))


@pytest.fixture(scope="module")
def metrics(tables):
    return study_metrics(*tables, seed=1, resamples=FEW)


def one(metrics, **where):
    chosen = metrics
    for column, value in where.items():
        chosen = chosen[chosen[column] == value]
    assert len(chosen) == 1, where
    return chosen.iloc[0]


def run_of(scores, order):
    return next(run for run in runs(scores) if order in run)


def test_fg_of_an_axis_is_the_formula_on_its_matrix(tables, metrics):
    scores, _ = tables
    sets = ["know_history", "know_nature", "know_society", "know_trade"]
    G = matrix(scores, run_of(scores, "forward"), sets, "acc")
    row = one(metrics, order="forward", axis="knowledge", probe="", metric="fg_luo")
    assert row["value"] == pytest.approx(float(general.fg_luo(G)))
    assert row["low"] < row["value"] < row["high"]
    assert (row["n"], row["n_units"], row["unit"]) == (160, 160, "items")


def test_bias_is_averaged_over_its_types_as_in_the_paper(tables, metrics):
    scores, _ = tables
    types = [("bias_pairs", name) for name in ("age", "gender", "region")]
    G = matrix(scores, run_of(scores, "reverse"), types, "pct_stereotype")
    row = one(metrics, order="reverse", axis="bias", probe="", metric="fg_luo")
    assert row["value"] == pytest.approx(float(general.fg_luo(G)))


def test_own_task_metrics_follow_the_order_that_was_taught(tables, metrics):
    scores, _ = tables
    names = ["own_hgen", "own_exp", "own_inqqg", "own_emdg", "own_simp"]
    metric = {name: "bleu" for name in names} | {"own_simp": "sari", "own_hgen": "rouge1"}
    R = matrix(scores, run_of(scores, "reverse"), names, metric)
    for name in ("acc", "la", "fr_ke", "forget_chaudhry", "bwt_trace"):
        row = one(metrics, order="reverse", axis="own", probe="", metric=name)
        assert row["value"] == pytest.approx(float(getattr(task_matrix, name)(R)))
    after = one(metrics, order="reverse", probe="own_exp", metric="own_after")
    assert after["value"] == pytest.approx(R[2, 1])
    change = one(metrics, order="reverse", probe="own_exp", metric="own_change")
    assert change["value"] == pytest.approx(R[5, 1] - R[2, 1])
    last = one(metrics, order="reverse", probe="own_simp", metric="own_change")
    assert np.isnan(last["value"]) and "no later stage" in last["note"]


def test_what_is_forgotten_is_over_the_items_of_old_tasks_alone(tables):
    """Of two tasks, the first with 24 items: Student's t has 23 degrees, however large the last."""
    scores, items = tables
    listed = scores[(scores["order"] == "forward") & (scores["stage_index"] <= 2)].copy()
    own = ("own_simp", "own_emdg")
    listed = listed[(listed["axis"] != "own") | listed["probe"].isin(own)]
    kept = items["own_simp"]["item_id"].isin(sorted(items["own_simp"]["item_id"].unique())[:24])
    few = {"own_emdg": items["own_emdg"], "own_simp": items["own_simp"][kept]}
    listed.loc[listed["probe"] == "own_simp", "n"] = 24
    found = study_metrics(listed, few, seed=1, resamples=FEW)
    for name in ("bwt_gem", "fr_ke", "bwt_diaz", "bwt_plus_diaz", "bwt_trace", "forget_chaudhry"):
        row = one(found, axis="own", probe="", metric=name)
        assert (row["n"], row["n_units"]) == (24, 24), name
    assert one(found, axis="own", probe="", metric="fwt_gem")["n"] == 40
    assert one(found, axis="own", probe="", metric="la")["n"] == 64
    bwt = one(found, axis="own", probe="", metric="bwt_gem")
    alone = one(found, probe="own_simp", metric="own_change")
    ends = ["value", "low", "high"]
    assert list(bwt[ends]) == pytest.approx(list(alone[ends]))


def test_a_task_that_is_taught_again_and_a_stage_without_a_set_have_a_matrix(tables):
    """Stages: simp, two tasks at once, none with a set, inqqg, simp again with a mixture."""
    scores, items = tables
    named = {"emdg": "emdg&exp", "inqqg": "documents:9", "exp": "inqqg", "hgen": "simp&general:8"}
    again = scores[scores["order"] == "forward"].copy()
    again["stage_task"] = again["stage_task"].replace(named)
    names = ["own_simp", "own_emdg", "own_exp", "own_inqqg"]
    metric = {name: "bleu" for name in names} | {"own_simp": "sari"}
    R = matrix(again, run_of(again, "forward"), names, metric)
    metrics = study_metrics(again, items, seed=1, resamples=FEW)
    schedule = Schedule(((0,), (1, 2), (), (3,), (0,)))
    for name in ("acc", "la", "aia", "fr_ke", "forget_chaudhry", "bwt_trace", "fwt_diaz"):
        row = one(metrics, axis="own", probe="", metric=name)
        expected = getattr(task_matrix, name)(R, schedule=schedule)
        assert row["value"] == pytest.approx(float(expected)), name
    forgotten = [R[2, 1] - R[5, 1], R[2, 2] - R[5, 2], R[4, 3] - R[5, 3]]
    assert one(metrics, probe="", metric="fr_ke")["value"] == pytest.approx(np.mean(forgotten))
    gain = one(metrics, probe="own_simp", metric="own_gain")
    assert gain["value"] == pytest.approx(R[5, 0] - R[0, 0])
    assert gain["stage_task"] == "simp&general:8"
    change = one(metrics, probe="own_exp", metric="own_change")
    assert change["value"] == pytest.approx(R[5, 2] - R[2, 2])
    assert not len(
        metrics[metrics["metric"].str.startswith("own_") & (metrics.probe == "own_hgen")]
    )


def test_a_perplexity_has_no_drop_with_the_wrong_sign(tables):
    scores, items = tables
    falling = scores[scores["order"] == "forward"].copy()
    falling["higher_is_better"] = ~falling["probe"].isin(["read_high", "own_exp", "bias_pairs"])
    metrics = study_metrics(falling, items, seed=1, resamples=FEW)
    for name in ("drop_points", "fg_luo", "fg_last", "fg_chance"):
        for where in ({"probe": "read_high"}, {"probe": "", "axis": "reading"}):
            row = one(metrics, metric=name, **where)
            assert np.isnan(row["value"]) and row["note"] == "lower is better: read_high"
        assert not np.isnan(one(metrics, metric=name, probe="", axis="bias")["value"])
        assert not np.isnan(one(metrics, metric=name, probe="read_middle")["value"])
    for name in ("delta_general", "fr_ke", "own_gain"):
        probe = "own_exp" if name == "own_gain" else ""
        assert "lower is better" in one(metrics, metric=name, probe=probe)["note"]
    assert not np.isnan(one(metrics, metric="own_after", probe="own_exp")["value"])


def test_a_control_has_general_metrics_and_no_own_task_metrics(metrics):
    control = metrics[metrics["order"] == "control:general"]
    assert {"fg_luo", "score_acc", "score_sari"} <= set(control["metric"])
    assert not set(control["metric"]) & {"acc", "fr_ke", "own_after"}


def test_general_ability_leaves_out_bias_and_own_tasks(tables, metrics):
    scores, _ = tables
    axes = scores["axis"].isin(["knowledge", "reasoning", "reading"])
    sets = sorted(scores.loc[axes, "probe"].unique())
    G = matrix(scores, run_of(scores, "forward"), sets, "acc")
    row = one(metrics, order="forward", axis="general", metric="delta_general")
    assert row["value"] == pytest.approx(float(general.delta_general(G)))


def test_reading_is_resampled_by_passage(metrics):
    row = one(metrics, order="forward", probe="read_high", metric="fg_luo")
    assert (row["n"], row["n_units"], row["unit"]) == (40, 14, "item clusters")


def test_paired_intervals_of_a_drop_are_narrower_than_unpaired_ones(metrics):
    drop = one(metrics, order="forward", probe="know_trade", metric="drop_points")
    ends = [
        one(metrics, order="forward", probe="know_trade", metric="score_acc", stage_index=stage)
        for stage in (0, 5)
    ]
    unpaired = np.hypot(*[row["high"] - row["low"] for row in ends]) * 100
    assert 0 < drop["high"] - drop["low"] < unpaired


def test_the_same_seed_gives_the_same_table_and_another_other_intervals(tables, metrics):
    again = study_metrics(*tables, seed=1, resamples=FEW)
    pd.testing.assert_frame_equal(metrics, again)
    other = study_metrics(*tables, seed=2, resamples=FEW)
    assert (other["value"].fillna(-1) == metrics["value"].fillna(-1)).all()
    assert (other["low"] != metrics["low"]).any()


def test_adding_a_set_or_a_run_changes_no_other_interval(tables, metrics):
    scores, items = tables
    less = scores[(scores["probe"] != "read_high") & (scores["order"] != "reverse")]
    fewer = {probe: rows for probe, rows in items.items() if probe != "read_high"}
    reduced = study_metrics(less, fewer, seed=1, resamples=FEW)
    keys = ["order", "stage_index", "axis", "probe", "subset", "metric"]
    both = reduced.merge(metrics, on=keys, suffixes=("", "_all"))
    both = both[(both["probe"] != "") | both["axis"].isin(["knowledge", "bias", "own"])]
    assert len(both) > 100
    np.testing.assert_array_equal(both["low"], both["low_all"])


def test_a_missing_cell_empties_only_what_reads_it_and_is_named(tables):
    scores, items = tables
    gone = (scores["order"] == "forward") & (scores["probe"] == "know_trade")
    gone &= scores["stage_index"] == 2
    metrics = study_metrics(scores[~gone], items, seed=1, resamples=FEW)
    row = one(metrics, order="forward", axis="knowledge", probe="", metric="fg_luo")
    assert np.isnan(row["value"])
    assert row["note"] == "fg_luo: the cell (stage 2, know_trade) is missing"
    assert not np.isnan(
        one(metrics, order="forward", axis="knowledge", probe="", metric="fg_last")["value"]
    )
    cell = one(metrics, order="forward", probe="know_trade", metric="score_acc", stage_index=2)
    assert np.isnan(cell["value"]) and cell["note"] == "missing"


def test_a_run_that_stops_early_is_not_compared_as_if_it_were_whole():
    scores, items = synthetic_study(Synthetic(items=20, control=False))
    early = (scores["model"] == "decoder-s") & (scores["stage_index"] > 3)
    metrics = study_metrics(*typed(scores[~early], items), seed=1, resamples=FEW)
    row = one(
        metrics, model="decoder-s", order="forward", axis="reading", probe="", metric="fg_luo"
    )
    assert np.isnan(row["value"]) and "stage 4" in row["note"]


def test_a_base_at_chance_is_said_to_be_at_floor(tables):
    scores, items = tables
    scores = scores.assign(chance=scores["chance"].mask(scores["probe"] == "read_high", 0.95))
    metrics = study_metrics(scores, items, seed=1, resamples=FEW)
    row = one(metrics, order="forward", probe="read_high", metric="fg_chance")
    assert np.isnan(row["value"]) and row["note"] == "at floor: read_high"
    axis = one(metrics, order="forward", axis="reading", probe="", metric="fg_chance")
    middle = one(metrics, order="forward", probe="read_middle", metric="fg_chance")
    assert axis["value"] == pytest.approx(middle["value"])
    assert "at floor: read_high" in axis["note"]


def test_without_items_the_standard_error_gives_the_interval_and_without_both_none(tables):
    scores, none = tables[0], {}
    where = {"order": "forward", "probe": "know_trade", "metric": "score_acc", "stage_index": 0}
    row = one(study_metrics(scores, none, seed=1, resamples=2000), **where)
    error = scores.loc[(scores["probe"] == "know_trade") & (scores["stage_index"] == 0), "stderr"]
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * error.iloc[0], rel=0.1)
    assert "not paired" in row["note"]
    row = one(study_metrics(scores.assign(stderr=np.nan), none, seed=1, resamples=FEW), **where)
    assert np.isnan(row["low"]) and row["unit"] == "none" and row["n_units"] == 0


def test_a_corpus_level_score_is_bracketed_by_the_spread_of_its_sentences(tables):
    scores, items = tables
    scores = scores.assign(value=scores["value"].where(scores["metric"] != "bleu", 0.5))
    metrics = study_metrics(scores, items, seed=1, resamples=FEW)
    where = {"order": "forward", "probe": "own_exp", "metric": "score_bleu", "stage_index": 0}
    row = one(metrics, **where)
    assert row["low"] < 0.5 < row["high"] and "sentence-level" in row["note"]


def test_an_item_that_occurs_twice_is_refused(tables):
    scores, items = tables
    with pytest.raises(UserError, match="occurs twice"):
        twice = pd.concat([items["read_high"], items["read_high"][:1]])
        study_metrics(scores, {**items, "read_high": twice}, seed=1, resamples=FEW)


def test_seeds_are_the_unit_of_the_mean_over_runs():
    what = Synthetic(models=(("xs", 1000),), base_seeds=(0, 1, 2), orders=("forward",), items=20)
    metrics = study_metrics(*typed(*synthetic_study(what)), seed=1, resamples=FEW)
    where = {"order": "forward", "axis": "reasoning", "probe": "", "metric": "fg_luo"}
    runs_of_it = metrics[metrics["unit"] == "items"]
    values = runs_of_it[
        np.logical_and.reduce([runs_of_it[name] == value for name, value in where.items()])
    ]["value"]
    row = one(metrics, unit="base seeds", **where)
    assert len(values) == 3 and row["n_units"] == 3
    assert row["value"] == pytest.approx(values.mean())
    half = 4.302653 * values.std(ddof=1) / np.sqrt(3)
    assert row["high"] - row["value"] == pytest.approx(half, rel=1e-5)


def test_train_seeds_are_averaged_within_each_base():
    scores, items = typed(*synthetic_study(Synthetic((("xs", 9),), (0, 1), ("forward",), False)))
    twice = pd.concat([scores, scores.assign(train_seed=1)], ignore_index=True)
    rows = study_metrics(twice, items, seed=1, resamples=FEW)
    over = rows[rows["unit"] == "base seeds"]
    assert (over["n_units"] == 2).all() and over["low"].isna().all()
    assert over["note"].str.contains("an interval needs 3 seeds").all()


def test_the_table_survives_writing_and_reading(metrics, tmp_path):
    write_metrics(tmp_path / "metrics.csv", metrics)
    again = read_metrics(tmp_path / "metrics.csv")
    assert list(again.columns) == METRIC_COLUMNS
    np.testing.assert_array_equal(again["value"], metrics["value"].astype(float))
    assert (again["note"] == metrics["note"]).all()


@pytest.mark.parametrize(
    ("probe", "mixture", "belongs"),
    [
        ("own_simp", "simp", True),
        ("own_simp", "simp&general:64", True),
        ("own_simp", "general:64&simp:8", True),
        ("own_simp", "simplest", False),
        ("own_simp", "", False),
        ("restaurant", "restaurant", True),
    ],
)
def test_a_set_belongs_to_every_mixture_that_teaches_its_task(probe, mixture, belongs):
    assert is_own(probe, mixture) is belongs


def test_a_model_that_has_losses_and_end_tasks_alone_has_no_missing_metrics(tables, metrics):
    scores, items = tables
    other = scores[scores["order"] == "forward"].assign(model="masked")
    for kind in ("mlm", "end_task"):
        both = pd.concat([scores, other.assign(kind=kind)], ignore_index=True)
        again = study_metrics(both, items, seed=1, resamples=FEW)
        pd.testing.assert_frame_equal(again, metrics)


def test_own_sets_with_parts_count_as_wholes_in_a_mean_over_what_no_stage_taught(tables):
    scores, items = tables
    own = scores[(scores["axis"] == "own")]
    scores = pd.concat([scores, own.assign(subset="part", value=0.0)], ignore_index=True)
    control = scores[scores["order"] == "control:general"]
    found = study_metrics(control, items, seed=1, resamples=FEW)
    mean = one(found, metric="mean_score", axis="own", stage_index=0)
    base = own[(own["order"] == "control:general") & (own["stage_index"] == 0)]
    assert mean["value"] == pytest.approx(base["value"].mean()) and mean["low"] < mean["value"]


def test_the_mean_over_own_tasks_is_over_those_taught_for_one_run_and_for_several():
    what = Synthetic(
        models=(("xs", 1000),), base_seeds=(0, 1), tasks=("simp", "emdg"), orders=("forward",),
        control=False, items=20,
    )  # fmt: skip
    scores, items = typed(*synthetic_study(what))
    metrics = study_metrics(scores, items, seed=1, resamples=FEW)
    metrics = metrics[metrics["unit"] != "base seeds"]
    line = next(metrics[LINE_COLUMNS].itertuples(index=False, name=None))
    of_runs = metrics[(metrics["metric"] == "mean_score") & (metrics["axis"] == "own")]
    several = one(axis_means(metrics, line, without=()), axis="own", stage_index=2)
    first = metrics[metrics["base_seed"] == 0]
    single = one(axis_means(first, line, without=()), axis="own", stage_index=2)
    values = of_runs[of_runs["stage_index"] == 2].set_index("base_seed")["value"]
    assert several["value"] == pytest.approx(values.mean())
    assert single["value"] == pytest.approx(values[0])
