"""Studies whose sets share clusters, or only names of clusters: every table, end to end."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, synthetic_study, typed, with_choices

from lethe.figures.axis_means import axis_means
from lethe.longtables.collect import scope_of, with_scope
from lethe.longtables.run import RUN_COLUMNS, SEEDS
from lethe.metrics.axis_scores import axis_score
from lethe.metrics.calibration import study_calibration
from lethe.metrics.cells import Cells, Evaluation
from lethe.metrics.intervals import mean_interval, t_interval
from lethe.metrics.methods import method_metrics
from lethe.metrics.over_seeds import PLACE, interval_over_seeds, over_seeds
from lethe.metrics.row_intervals import MEAN_SCORE, WITHIN, metric_range
from lethe.metrics.shown import lines
from lethe.metrics.study import study_metrics
from lethe.metrics.study_changes import study_changes

MADE = Synthetic(
    models=(("decoder-xs", 183_000),),
    orders=("forward",),
    control=False,
    tasks=("simp",),
    items=40,
    sets=(
        ("knowledge", ("know_nature", "know_history")),
        ("reading", ("read_middle",)),
        ("own", ("own_simp",)),
    ),
)
CLUSTERS = 10
KNOWLEDGE = ("know_nature", "know_history")
Study = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@cache
def study(scopes: tuple[str, ...] | None) -> Study:
    """(metrics, changes, calibration) of a study whose sets of knowledge number their clusters.

    scopes: of the two sets; None: tables from before scopes.
    """
    scores, items = synthetic_study(MADE)
    items["cluster_id"] = items["probe"] + items["cluster_id"]
    number = items["item_id"].rank(method="dense").astype(int) % CLUSTERS
    for place, probe in enumerate(KNOWLEDGE):
        rows = items["probe"] == probe
        items.loc[rows, "cluster_id"] = number[rows].astype(str)
        if scopes is not None:
            items.loc[rows, "cluster_scope"] = scopes[place]
    if scopes is not None:
        items["cluster_scope"] = items["cluster_scope"].fillna("")
    draw = np.random.default_rng(0)
    scores, tables = typed(scores, items)
    with_all = with_choices(scores, tables)
    for probe in KNOWLEDGE:
        logprobs = draw.normal(-2, 1, (len(with_all[probe]), 4))
        names = [f"choice_{place}" for place in range(4)]
        with_all[probe][names] = logprobs
        with_all[probe] = with_all[probe].assign(gold_logprob=logprobs[:, 0], margin=0.0)
    return (
        study_metrics(scores, tables, 0, 200),
        study_changes(scores, with_all, 0, 200),
        study_calibration(scores, with_all, 0, 200),
    )


def of_axis(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["axis"] == "knowledge") & (table["probe"] == "")]


@pytest.mark.parametrize("scopes", [("world", "world"), ("", ""), None])
def test_clusters_of_one_scope_or_of_none_count_once_in_every_table(scopes):
    for table in study(scopes):
        rows = of_axis(table)
        assert set(rows.loc[rows["n_units"] > 0, "n_units"]) == {CLUSTERS}


def test_equal_names_of_two_scopes_are_other_clusters_and_draw_as_if_they_had_no_scope():
    apart = study(("one", "two"))
    for table in apart:
        rows = of_axis(table)
        assert set(rows.loc[rows["n_units"] > 0, "n_units"]) == {2 * CLUSTERS}
    # A set that shares nothing is drawn by its own name, whatever the scope.
    for scoped, other in zip(apart, study(("three", "four")), strict=True):
        pd.testing.assert_frame_equal(scoped, other)


def test_a_scope_changes_no_draw_of_sets_that_share():
    for scoped, plain in zip(study(("world", "world")), study(None), strict=True):
        pd.testing.assert_frame_equal(scoped, plain)


def test_sets_that_share_nothing_have_the_interval_that_follows_from_theirs():
    metrics, changes, calibration = study(("one", "two"))
    for table, name in ((changes, "lost"), (changes, "drift")):
        ends = [name, f"{name}_low", f"{name}_high"]
        whole = of_axis(table).iloc[0]
        parts = table[table["probe"].isin(KNOWLEDGE) & (table["stage_index"] == 1)]
        parts = parts[parts["against"] == whole["against"]]
        expected = mean_interval(*(parts[end].to_numpy() for end in ends))
        assert whole[ends[1:]].tolist() == pytest.approx(expected, abs=2e-6)
    for table, named in ((metrics, MEAN_SCORE), (calibration, "brier")):
        whole = of_axis(table)
        whole = whole[(whole["metric"] == named) & (whole["stage_index"] == 1)].iloc[0]
        parts = table[table["probe"].isin(KNOWLEDGE) & (table["stage_index"] == 1)]
        parts = parts[parts["metric"].isin(["score_acc", named])]
        expected = mean_interval(*(parts[end].to_numpy() for end in ("value", "low", "high")))
        assert whole[["low", "high"]].tolist() == pytest.approx(expected)


def test_figures_and_tables_of_an_axis_read_its_row_and_older_tables_are_told_by_their_units():
    for scopes, dependent in ((("world", "world"), True), (("one", "two"), False)):
        metrics = study(scopes)[0]
        rows = metrics[metrics["axis"] == "knowledge"]
        mean = rows[(rows["metric"] == MEAN_SCORE) & (rows["stage_index"] == 1)].iloc[0]
        drawn = axis_means(metrics, lines(metrics)[0])
        drawn = drawn[(drawn["axis"] == "knowledge") & (drawn["stage_index"] == 1)].iloc[0]
        names = ["value", "low", "high", "n", "n_units", "unit"]
        assert drawn[names].tolist() == mean[names].tolist()
        old = axis_score(rows[rows["metric"] != MEAN_SCORE], 1)
        parts = rows[(rows["metric"] == "score_acc") & (rows["stage_index"] == 1)]
        ends = (parts[end].to_numpy() for end in ("value", "low", "high"))
        expected = mean_interval(*ends, dependent=dependent)
        assert (old["low"], old["high"]) == pytest.approx(expected)
        assert old["n_units"] == mean["n_units"]
        # Where they depend, nothing is narrower than what is drawn together.
        assert not dependent or old["high"] - old["low"] > 0.95 * (mean["high"] - mean["low"])


def test_the_table_of_methods_has_the_base_score_of_own_tasks_from_the_same_row():
    metrics = study(("one", "two"))[0]
    scores, _ = typed(*synthetic_study(MADE))
    found = method_metrics(scores, metrics)
    base = found[found["metric"] == "own_base"].iloc[0]
    own = metrics[(metrics["metric"] == MEAN_SCORE) & (metrics["axis"] == "own")]
    own = own[own["stage_index"] == 0].iloc[0]
    ends = ["value", "low", "high"]
    assert base[ends].tolist() == pytest.approx(own[ends].tolist())


def test_a_scope_is_the_data_else_the_folder_and_an_items_own_name_has_none():
    assert scope_of({"include_sha256": "abc"}, {"data": "world-1"}) == "world-1"
    assert scope_of({"include_sha256": "abc"}, {"data": None}) == "abc"
    assert scope_of({"include_sha256": None}, {}) == ""
    named = {"item_id": "i1", "cluster_id": "7"}
    assert with_scope(named, "world-1")["cluster_scope"] == "world-1"
    assert with_scope({"item_id": "i1", "cluster_id": "i1"}, "world-1")["cluster_scope"] == ""


@pytest.mark.parametrize(
    ("metric", "are_shares", "values", "ends"),
    [
        ("drop_points", True, (99.0, 97.0, 60.0), (None, 100.0)),
        ("fg_luo", True, (99.0, 97.0, 60.0), (None, 100.0)),
        ("own_gain", True, (-0.99, -0.97, -0.6), (-1.0, None)),
        ("acc", True, (0.99, 0.97, 0.6), (None, 1.0)),
        ("loss_final", False, (0.1, 0.2, 0.9), (0.0, None)),
        ("drop_points", False, (99.0, 97.0, 60.0), (None, None)),
        ("loss_forgotten", False, (0.1, 0.2, 0.9), (None, None)),
    ],
)
def test_an_interval_over_seeds_ends_where_its_number_does(metric, are_shares, values, ends):
    """What no three seeds can show is cut, and all else is Student's t as it was."""
    words = dict.fromkeys([*RUN_COLUMNS, "params", *PLACE], "")
    within = metric_range(metric, are_shares)
    rows = [
        words | dict.fromkeys(SEEDS, 0) | {"world_seed": world, "metric": metric, "value": value}
        | {"n": 10, "note": "", WITHIN: within}
        for world, value in enumerate(values)
    ]  # fmt: skip
    (row,) = over_seeds(rows)
    plain = t_interval(values)
    expected = [one if cut is None else cut for one, cut in zip(plain, ends, strict=True)]
    assert [row["low"], row["high"]] == pytest.approx(expected)
    assert all(
        cut is None or abs(one) > abs(cut) or cut == 0 > one
        for one, cut in zip(plain, ends, strict=True)
    )
    # One run whose scores are no shares, and nothing is known of the range.
    rows[0][WITHIN] = metric_range("own_gain", False)
    assert [over_seeds(rows)[0][end] for end in ("low", "high")] == pytest.approx(plain)


NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "own", "expected"),
    [
        # The base, which all chains share: the interval of any of them.
        ([0.4, 0.4, 0.4], [(0.3, 0.5)] * 3, (0.3, 0.5)),
        ([0.4, 0.4], [(0.3, 0.5)] * 2, (NAN, NAN)),
        # Seeds that agree by chance are no more certain than the least certain of them.
        ([0.4, 0.4, 0.4], [(0.3, 0.5), (0.2, 0.5), (0.3, 0.6)], (0.2, 0.6)),
        # Without an interval of their own there is nothing to fall back on.
        ([0.4, 0.4, 0.4], [(NAN, NAN)] * 3, (NAN, NAN)),
        ([0.4, 0.5], [(0.3, 0.5)] * 2, (NAN, NAN)),
        ([0.3, 0.4, 0.5], [(0.3, 0.5)] * 3, t_interval([0.3, 0.4, 0.5])),
        ([0.4, NAN, 0.4], [(0.3, 0.5), (NAN, NAN), (0.3, 0.5)], (NAN, NAN)),
    ],
)
def test_seeds_that_do_not_differ_are_no_more_certain_than_one(values, own, expected):
    found = interval_over_seeds(values, own, (0.0, 1.0))
    assert found == pytest.approx(expected, nan_ok=True)


def test_losses_that_happen_to_lie_below_one_are_no_shares():
    evaluations = [
        Evaluation("domain", name, "", name, name == "lm_loss") for name in ("acc", "lm_loss")
    ]
    unknown = np.full(2, np.nan)
    cells = Cells(
        evaluations, ["a"], np.full((2, 2), 0.5), np.full((3, 2, 2), 0.5), unknown, unknown,
        np.full(2, 9), np.full(2, 9), ["items"] * 2, [[], []],
    )  # fmt: skip
    assert cells.are_shares.tolist() == [True, False]
