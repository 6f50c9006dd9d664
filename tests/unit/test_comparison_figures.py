"""Figures that compare models or chains, and that of bias, of made-up studies."""

import pandas as pd
import pytest
from figure_checks import outside, problems
from figure_studies import drawn, study, words
from synthetic_study import FULL, Synthetic, long_tables, synthetic_study

from lethe.commands import figure as command
from lethe.figures.appearance import order_fills
from lethe.longtables.tables import LongTables
from lethe.metrics.shown import shown

# Five figures of several studies are drawn.
pytestmark = pytest.mark.slow

# Figures that compare models or chains, and the sentence of a study that has nothing to compare.
COMPARISONS = {
    "scale": "No two sizes of one series",
    "architecture": "No encoder-decoder beside a decoder",
    "instruction_tuning": "No model beside its instruction-tuned variant",
    "mixing": "No chain with more mixed into its stages",
}


@pytest.mark.parametrize("figure", COMPARISONS)
def test_a_study_with_nothing_to_compare_gets_a_page_that_says_so(figure):
    found = " ".join(" ".join(words(drawn(figure, "one run").figure)).split())
    assert COMPARISONS[figure] in found and "select" in found
    assert COMPARISONS[figure] not in " ".join(words(drawn(figure, "all parts").figure))


def drawn_of(figure, tables, width=None):
    with command.style():
        return command.draw(figure, tables, width)


def curve(plotted, chain, axis):
    rows = plotted[(plotted["metric"] == "axis_mean") & (plotted["chain"] == chain)]
    return rows[rows["axis"] == axis].set_index("stage_index")


def test_a_curve_is_the_mean_over_bases_of_the_mean_over_the_sets_of_an_axis():
    tables = study("all parts")
    plotted = drawn("instruction_tuning", "all parts").plotted
    scores = tables.scores[tables.scores["model"] == "decoder-s-tuned"]
    scores = scores[(scores["order"] == "forward") & (scores["axis"] == "reading")]
    for stage, row in curve(plotted, "decoder-s-tuned (tuned)", "reading").iterrows():
        cells = scores[scores["stage_index"] == stage]
        by_base = cells.groupby("base_seed")["value"].mean()
        assert row["value"] == pytest.approx(by_base.mean())
        half = 4.302652729911275 * by_base.std(ddof=1) / 3**0.5
        assert row["high"] - row["value"] == pytest.approx(half)
        assert (row["n_units"], row["unit"]) == (3, "base seeds")


def test_a_curve_of_bias_is_the_mean_over_its_types():
    tables = study("all parts, one seed")
    plotted = drawn("architecture", "all parts, one seed").plotted
    chain = next(name for name in plotted["chain"].unique() if name.startswith("encdec-s"))
    scores = tables.scores[(tables.scores["model"] == "encdec-s") & tables.scores["headline"]]
    scores = scores[(scores["order"] == "forward") & (scores["axis"] == "bias")]
    for stage, row in curve(plotted, chain, "bias").iterrows():
        cells = scores[(scores["stage_index"] == stage) & (scores["subset"] != "")]
        assert len(cells) == 3 and row["value"] == pytest.approx(cells["value"].mean())


def test_pairs_are_of_one_sequence_and_the_control_is_none():
    chains = drawn("mixing", "all parts").plotted["chain"].unique()
    expected = {f"{model}, tasks alone" for model, _ in FULL}
    expected |= {f"{model} + general:64" for model, _ in FULL}
    assert set(chains) == expected
    plotted = drawn("mixing", "all parts").plotted
    words_of_stages = set(curve(plotted, "decoder-s, tasks alone", "reading")["stage_task"])
    assert words_of_stages == {"", "simp", "emdg", "inqqg", "exp", "hgen"}


def test_scale_shows_fg_of_every_size_of_a_series_as_the_metrics_table_has_it():
    plotted = drawn("scale", "all parts").plotted
    metrics = shown(study("all parts").metrics, ["fg_luo"])
    metrics = metrics[(metrics["probe"] == "") & (metrics["order"] == "forward")]
    for model in ("decoder-xs", "decoder-s"):
        mine = plotted[(plotted["model"] == model) & (plotted["metric"] == "fg_luo")]
        expected = metrics[metrics["model"] == model].set_index("axis")
        assert len(mine) == 4
        for row in mine.itertuples():
            assert row.value == expected["value"][row.axis]
            assert (row.low, row.high) == tuple(expected.loc[row.axis, ["low", "high"]])
    assert not {"encdec-s", "decoder-s-tuned"} & set(plotted["model"])


def test_bias_shows_every_type_with_its_fg_and_the_second_statistic():
    plotted = drawn("bias", "all parts").plotted
    shares = plotted[plotted["metric"] == "score_pct_stereotype"]
    assert set(shares["subset"]) == {"", "age", "gender", "region"}
    assert set(plotted.loc[plotted["metric"] == "fg_luo", "subset"]) == set(shares["subset"])
    assert (plotted["metric"] == "likelihood_diff").sum() == 4 * 6
    assert "The study has no likelihood_diff" in drawn("bias", "usual").caption


def test_a_stage_that_was_not_scored_is_missing_beside_its_pair():
    scores, items = synthetic_study(Synthetic(FULL, orders=("forward",), items=12, sets_an_axis=2))
    gone = (scores["model"] == "encdec-s") & (scores["stage_index"] == 2)
    tables = long_tables(scores[~(gone & (scores["axis"] == "reading"))], items, changes=False)
    assert "missing" in words(drawn_of("architecture", tables).figure)


def test_dev_scores_of_the_second_statistic_of_bias_change_nothing():
    tables = study("all parts")
    more = tables.scores[tables.scores["metric"] == "likelihood_diff"]
    more = more.assign(split="dev", value=99.0)
    both = LongTables(scores=pd.concat([tables.scores, more]), metrics=tables.metrics)
    plotted = drawn_of("bias", both).plotted
    mine = plotted[plotted["metric"] == "likelihood_diff"]
    assert (mine["value"] < 2).all()


def test_a_base_at_floor_is_said_where_fg_has_a_value_and_where_it_has_none():
    scores, items = synthetic_study(Synthetic(FULL, orders=("forward",), items=12, sets_an_axis=2))
    flat = (scores["axis"] == "reading") & scores["model"].isin(["decoder-xs", "decoder-s-tuned"])
    low = long_tables(
        scores.assign(value=scores["value"].where(~flat, 0.25)), items[:0], changes=False
    )
    none = long_tables(
        scores.assign(value=scores["value"].where(~flat, 0.0)), items[:0], changes=False
    )
    assert "reading †" not in words(
        drawn_of("scale", long_tables(scores, items[:0], changes=False)).figure
    )
    marked = drawn_of("scale", low)
    assert words(marked.figure).count("reading †") == 1
    assert "reading, decoder-xs" in marked.caption
    assert "reading †" in words(drawn_of("instruction_tuning", low).figure)
    for figure in ("scale", "instruction_tuning"):
        found = words(drawn_of(figure, none).figure)
        assert "at floor" in found and "missing" not in found


@pytest.mark.parametrize("figure", COMPARISONS)
def test_a_comparison_without_general_sets_is_a_page_that_says_so(figure):
    scores, items = synthetic_study(
        Synthetic(FULL, orders=("forward", "mixed"), items=8, sets_an_axis=1)
    )
    found = words(
        drawn_of(figure, long_tables(scores[scores["axis"] == "own"], items, changes=False)).figure
    )
    assert "No evaluation set of general ability" in " ".join(found)


def test_more_series_than_colours_are_drawn():
    models = tuple((f"m{place}", 1000 * (place + 1)) for place in range(24))
    what = Synthetic(
        models, orders=("forward",), control=False, tasks=("simp",), items=4, sets_an_axis=1
    )
    scores, items = synthetic_study(what)
    series = scores["model"].str[1:].astype(int).floordiv(2).map("series-{:02d}".format)
    plotted = drawn_of(
        "scale", long_tables(scores.assign(series=series), items, 5, changes=False)
    ).plotted
    assert (plotted["metric"] == "fg_luo").sum() == 24 * 4


def test_chains_of_one_model_are_told_by_the_fill_of_their_order_as_in_the_legend():
    fills = order_fills(study("all parts").scores)
    assert fills["forward"] != fills["mixed"]
    found = drawn("mixing", "all parts").figure
    handles = found.legends[0].legend_handles
    assert {handle.get_fillstyle() for handle in handles} == {fills["forward"], fills["mixed"]}
    curves = [line for axes in found.axes for line in axes.lines if len(line.get_xdata()) == 6]
    assert len(curves) == 4 * 4 * 2
    for line in curves:
        dashed = line.get_linestyle() == "--"
        assert line.get_fillstyle() == fills["forward" if dashed else "mixed"]


@pytest.mark.parametrize("figure", [*COMPARISONS, "bias"])
@pytest.mark.parametrize("name", ["all parts", "all parts, one seed"])
def test_scores_and_their_intervals_lie_within_0_and_1_on_one_scale(figure, name):
    label, found = "", {}
    for axes in (axes for axes in drawn(figure, name).figure.axes if axes.get_visible()):
        label = axes.get_ylabel() or label  # it stands beside the first panel of a row
        found.setdefault(label, []).append(axes)
        if label in ("mean score", "share", "own tasks"):
            assert outside(axes, 0, 1) == []
    assert "FG, %" in found and len(found) == (2 if figure == "scale" else 3)
    assert [len({axes.get_ylim() for axes in panels}) for panels in found.values()] == [1] * len(
        found
    )


def test_pairs_that_fill_more_than_a_page_are_in_the_csv_and_counted_in_the_caption():
    models = tuple((f"enc-{place}", 1000 * (place + 1)) for place in range(5))
    what = Synthetic(
        (("decoder-s", 4000), *models), orders=("forward",), control=False, tasks=("simp",),
        items=4, sets_an_axis=1,
    )  # fmt: skip
    scores, items = synthetic_study(what)
    is_encoder = scores["model"].str.startswith("enc-")
    tables = long_tables(
        scores.assign(family=scores["family"].where(~is_encoder, "seq2seq")),
        items,
        5,
        changes=False,
    )
    wide, narrow = (drawn_of("architecture", tables, width) for width in ("text", "column"))
    assert "in the CSV alone" not in wide.caption
    assert "3 more pairs are in the CSV alone" in narrow.caption
    pd.testing.assert_frame_equal(wide.plotted, narrow.plotted)


def test_many_types_fit_a_page_with_all_pairs_last_and_the_rest_in_the_csv():
    names = [f"a type of people {place:02d}" for place in range(40)]
    what = Synthetic((("m", 7),), orders=("forward",), control=False, items=40, sets_an_axis=1)
    scores, items = synthetic_study(what)
    whole = scores[(scores["axis"] == "bias") & (scores["subset"] == "")]
    parts = [whole.assign(subset=name, n=1) for name in names]
    scores = pd.concat([scores[(scores["axis"] != "bias") | (scores["subset"] == "")], *parts])
    result = drawn_of("bias", long_tables(scores, items[:0], 5, changes=False), "column")
    with command.style():
        assert problems(result.figure) == []
    assert set(names) <= set(result.plotted["subset"])
    assert "all pairs" in words(result.figure) and "more types are in the CSV" in result.caption
