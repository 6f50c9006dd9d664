"""Figures of made-up studies: what is drawn, what is said of it, and that it is on the page."""

import importlib
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from synthetic_study import FULL, Synthetic, long_tables, synthetic_study, with_gaps

from lethe.commands import figure as command
from lethe.config.by_file import names_in
from lethe.config.reading import CATALOGUE, read_yaml
from lethe.errors import UserError
from lethe.figures.appearance import CONTROL_COLOUR, METHODS, OTHER_METHOD, looks, order_markers
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import write_metrics, write_scores
from lethe.metrics.shown import is_control, lines, shown

# Nine figures of nine studies are drawn.
pytestmark = pytest.mark.slow

SMALL = Synthetic(items=12)
# Those of masked language models have tests of their own.
OF_DOMAINS = {"end_tasks", "importance", "compute"}
FIGURES = [name for name in names_in("figures") if name not in OF_DOMAINS]


@cache
def study(name):
    """Tables of a made-up study by what is special about it."""
    usual = name in ("usual", "gaps")
    small = Synthetic(items=12, orders=("forward",), sets_an_axis=2)
    scores, items = synthetic_study(SMALL if usual else small)
    if name == "three seeds":
        return long_tables(
            *synthetic_study(
                Synthetic((("xs", 7),), (0, 1, 2), ("forward",), items=8, sets_an_axis=2)
            )
        )
    if name in ("all parts", "all parts, one seed"):
        seeds = (0, 1, 2) if name == "all parts" else (0,)
        orders = ("forward", "reverse", "mixed")
        scores, items = synthetic_study(Synthetic(FULL, seeds, orders, items=12, sets_an_axis=2))
        apart = scores[scores["metric"] == "pct_stereotype"]
        apart = apart.assign(metric="likelihood_diff", headline=False)
        return long_tables(pd.concat([scores, apart]), items)
    if name == "one run":
        one = Synthetic((("big", 7),), orders=("forward",), control=False, tasks=("simp", "exp"))
        return long_tables(*synthetic_study(one))
    if name == "gaps":
        return long_tables(with_gaps(scores), items)
    if name == "all equal":
        return long_tables(scores.assign(value=0.25, stderr=0.0), items[:0])
    if name == "gain":
        last = scores["stage_index"] == 5
        return long_tables(scores.assign(value=scores["value"].where(~last, 1.0)), items[:0])
    if name == "two methods":
        other = scores[scores["order"] != "control:general"].assign(method="replay")
        return long_tables(pd.concat([scores, other]), items)
    return long_tables(scores, items)


STUDIES = ["usual", "three seeds", "one run", "gaps", "all equal", "gain", "two methods"]
STUDIES += ["all parts", "all parts, one seed"]
# Figures that compare models or chains, and the sentence of a study that has nothing to compare.
COMPARISONS = {
    "scale": "No two sizes of one series",
    "architecture": "No encoder-decoder beside a decoder",
    "instruction_tuning": "No model beside its instruction-tuned variant",
    "mixing": "No chain with more mixed into its stages",
}


@cache
def drawn(figure, name):
    """A figure of a study."""
    with command.style():
        return importlib.import_module(f"lethe.figures.{figure}").draw(study(name))


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_is_drawn_for_every_kind_of_study_with_all_its_text_on_the_page(figure, name):
    with command.style():
        result = drawn(figure, name)
        result.figure.draw_without_rendering()
        page = result.figure.bbox
        for text in result.figure.findobj(Text):
            if text.get_text().strip() and text.get_visible():
                box = text.get_window_extent()
                inside = box.x0 >= -1 and box.x1 <= page.x1 + 1
                assert inside and box.y0 >= -1 and box.y1 <= page.y1 + 1, text.get_text()
    assert len(result.plotted)


@pytest.mark.parametrize("figure", FIGURES)
def test_the_caption_says_what_the_intervals_are_over_and_n(figure):
    caption = " ".join(" ".join(words(drawn(figure, "all parts, one seed").figure)).split())
    assert "95 % intervals over items" in caption and "(1 seed)" in caption
    assert "Wilson" in caption and "1,000 bootstrap resamples" in caption
    assert "n = 12" in caption or figure == "bias"  # a type has a third of the pairs
    caption = " ".join(" ".join(words(drawn(figure, "all parts").figure)).split())
    assert "95 % t-intervals over 3 base seeds" in caption


@pytest.mark.parametrize("figure", ["fg", "learning_forgetting", "matrix", "evolution"])
def test_what_is_missing_is_shown_as_missing(figure):
    assert "missing" in words(drawn(figure, "gaps").figure)
    assert "missing" not in words(drawn(figure, "usual").figure)


def test_a_floor_is_written_where_the_point_would_be():
    found = words(drawn("fg", "all equal").figure)
    assert "at floor" in found
    assert any("At floor and left out" in text for text in found)


def test_plotted_numbers_are_those_of_the_metrics_table():
    metrics = shown(study("usual").metrics, ["fg_luo", "fg_chance"])
    expected = metrics[metrics["probe"] == ""]
    plotted = drawn("fg", "usual").plotted
    assert len(plotted) == len(expected)
    assert sorted(plotted["value"]) == sorted(expected["value"])


def test_evolution_plots_every_set_after_every_stage():
    plotted = drawn("evolution", "usual").plotted
    runs = plotted.groupby(["model", "order"])
    assert runs.ngroups == 6 and (runs.size() == 18 * 6).all()
    assert plotted.loc[plotted["axis"] == "knowledge", "chance"].eq(0.25).all()


def test_the_matrix_outlines_each_task_right_after_its_stage():
    figure = drawn("matrix", "usual").figure
    outlined = {
        axes.get_title(loc="left"): sorted(
            (round(box.get_x() + 0.5), round(box.get_y() + 0.5)) for box in axes.patches
        )
        for axes in figure.axes
    }
    diagonal = [(stage, stage - 1) for stage in range(1, 6)]
    assert outlined["decoder-xs, forward"] == outlined["decoder-s, reverse"] == diagonal
    assert outlined["decoder-xs, control:general"] == []


def test_a_model_keeps_its_colour_in_every_figure_and_the_control_is_grey():
    metrics = study("usual").metrics
    seen = looks(metrics)
    for line in lines(metrics):
        if is_control(line):
            assert seen[line].colour == CONTROL_COLOUR
        else:
            assert seen[line].colour == {"decoder-xs": "#0072B2", "decoder-s": "#D55E00"}[line[0]]
    general = looks(metrics[metrics["axis"] == "knowledge"])
    assert {line: general[line] for line in general} == seen


def test_methods_have_colours_of_their_own_where_there_are_several():
    seen = looks(study("two methods").metrics)
    colours = {line[1]: look.colour for line, look in seen.items() if not is_control(line)}
    assert len(set(colours.values())) == 2
    labels = {look.label for look in seen.values()}
    assert "decoder-s, replay" in labels and "decoder-s, sequential" in labels


def test_lines_that_have_several_seeds_are_shown_as_means():
    rows = shown(study("three seeds").metrics, ["fg_luo"])
    assert set(rows["unit"]) == {"base seeds"}
    assert rows["base_seed"].isna().all()
    assert set(shown(study("usual").metrics, ["fg_luo"])["base_seed"]) == {0}


def test_equal_tables_give_equal_files_without_a_date(tmp_path):
    for folder in ("one", "two"):
        command.render("fg", study("usual"), tmp_path / folder)
    for suffix in ("pdf", "png", "csv"):
        first = (tmp_path / "one" / f"fg.{suffix}").read_bytes()
        assert first == (tmp_path / "two" / f"fg.{suffix}").read_bytes()
        assert b"CreationDate" not in first and b"Matplotlib" not in first


def test_the_command_writes_three_files_from_the_tables_on_disk(tmp_path, capsys):
    tables = study("usual")
    write_scores(tmp_path / "scores.csv", tables.scores)
    write_metrics(tmp_path / "metrics.csv", tables.metrics)
    parser = importlib.import_module("argparse").ArgumentParser()
    command.add_arguments(parser)
    flags = ["--scores", tmp_path / "scores.csv", "--metrics", tmp_path / "metrics.csv"]
    arguments = [str(word) for word in ["matrix", *flags, "--out", tmp_path / "figures"]]
    assert command.run(parser.parse_args(arguments)) == 0
    assert len(capsys.readouterr().out.split()) == 3
    again = pd.read_csv(tmp_path / "figures" / "matrix.csv")
    expected = drawn("matrix", "usual").plotted
    np.testing.assert_allclose(again["value"], expected["value"].astype(float))
    with pytest.raises(UserError, match="'evolutoin' is not known; did you mean 'evolution'"):
        command.run(parser.parse_args(["evolutoin", *arguments[1:]]))


@pytest.mark.parametrize("figure", COMPARISONS)
def test_a_study_with_nothing_to_compare_gets_a_page_that_says_so(figure):
    found = " ".join(" ".join(words(drawn(figure, "one run").figure)).split())
    assert COMPARISONS[figure] in found and "select" in found
    assert COMPARISONS[figure] not in " ".join(words(drawn(figure, "all parts").figure))


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
    assert "not scored" in words(drawn("bias", "usual").figure)


def test_every_colour_is_that_of_a_method_of_the_catalogue_and_its_own():
    methods = read_yaml(CATALOGUE / "methods.yaml")
    assert METHODS.keys() <= methods.keys()
    assert len(set(METHODS.values())) == len(METHODS)
    assert not set(METHODS.values()) & {CONTROL_COLOUR, OTHER_METHOD}


def test_orders_have_markers_by_their_place_and_look_different_as_long_as_there_are_markers():
    names = ["ab", "ba", "forward", "o1", "control:x", "reverse", "control:y", "o2", "o3", "o4"]
    markers = order_markers(pd.DataFrame({"order": [*names, "ab"]}))
    assert markers["ab"] == "o" and markers["ba"] == "s"
    assert len(set(markers.values())) == len(names)


def test_every_method_and_variant_has_its_own_colour():
    names = ["bcl", "sequential", "kd", "das", "das-update", "mine", "ewc"]
    variants = [(name, "{}", "r") for name in names] + [("ewc", '{"strength": 2}', "r")]
    metrics = pd.DataFrame([_line(*variant) for variant in variants])
    found = looks(metrics)
    assert len({look.colour for look in found.values()}) == len(variants)
    shown = {look.label: look.colour for look in found.values()}
    assert shown["m, das"] == METHODS["das"]


def _line(method: str, params: str, recipe: str) -> dict:
    row = dict.fromkeys([*RUN_COLUMNS, "params"], 1)
    words = {"model": "m", "method": method, "method_params": params, "recipe": recipe}
    return {**row, **words, "order": "o"}


def test_nine_models_have_nine_looks():
    models = tuple((f"model-{n}", 1000 + n) for n in range(9))
    found = looks(
        long_tables(
            *synthetic_study(Synthetic(models, items=6, control=False, sets_an_axis=1))
        ).metrics
    )
    assert len({(look.colour, look.marker) for look in found.values()}) == 9


def test_a_stage_that_was_not_scored_is_missing_beside_its_pair():
    scores, items = synthetic_study(Synthetic(FULL, orders=("forward",), items=12, sets_an_axis=2))
    gone = (scores["model"] == "encdec-s") & (scores["stage_index"] == 2)
    tables = long_tables(scores[~(gone & (scores["axis"] == "reading"))], items)
    with command.style():
        result = importlib.import_module("lethe.figures.architecture").draw(tables)
    assert "missing" in words(result.figure)


def test_dev_scores_of_the_second_statistic_of_bias_change_nothing():
    tables = study("all parts")
    more = tables.scores[tables.scores["metric"] == "likelihood_diff"]
    more = more.assign(split="dev", value=99.0)
    from lethe.longtables.tables import LongTables

    both = LongTables(scores=pd.concat([tables.scores, more]), metrics=tables.metrics)
    with command.style():
        result = importlib.import_module("lethe.figures.bias").draw(both)
    mine = result.plotted[result.plotted["metric"] == "likelihood_diff"]
    assert (mine["value"] < 2).all()


def drawn_of(figure, tables):
    with command.style():
        return importlib.import_module(f"lethe.figures.{figure}").draw(tables)


def test_a_base_at_floor_is_said_where_fg_has_a_value_and_where_it_has_none():
    scores, items = synthetic_study(Synthetic(FULL, orders=("forward",), items=12, sets_an_axis=2))
    flat = (scores["axis"] == "reading") & scores["model"].isin(["decoder-xs", "decoder-s-tuned"])
    low = long_tables(scores.assign(value=scores["value"].where(~flat, 0.25)), items[:0])
    none = long_tables(scores.assign(value=scores["value"].where(~flat, 0.0)), items[:0])
    before = words(drawn_of("scale", long_tables(scores, items[:0])).figure)
    found = words(drawn_of("scale", low).figure)
    assert found.count("†") == before.count("†") + 1
    for figure in ("scale", "instruction_tuning"):
        found = words(drawn_of(figure, none).figure)
        assert "at floor" in found and "missing" not in found


@pytest.mark.parametrize("figure", COMPARISONS)
def test_a_comparison_without_general_sets_is_a_page_that_says_so(figure):
    scores, items = synthetic_study(
        Synthetic(FULL, orders=("forward", "mixed"), items=8, sets_an_axis=1)
    )
    found = words(drawn_of(figure, long_tables(scores[scores["axis"] == "own"], items)).figure)
    assert "No evaluation set of general ability" in " ".join(found)


def test_more_series_than_colours_are_drawn():
    models = tuple((f"m{place}", 1000 * (place + 1)) for place in range(24))
    what = Synthetic(
        models, orders=("forward",), control=False, tasks=("simp",), items=4, sets_an_axis=1
    )
    scores, items = synthetic_study(what)
    series = scores["model"].str[1:].astype(int).floordiv(2).map("series-{:02d}".format)
    plotted = drawn_of("scale", long_tables(scores.assign(series=series), items, 5)).plotted
    assert (plotted["metric"] == "fg_luo").sum() == 24 * 4


def test_markers_of_a_dashed_curve_are_hollow_as_in_the_legend():
    for axes in drawn("mixing", "all parts").figure.axes:
        for line in axes.get_lines():
            if line.get_linestyle() == "--":
                assert line.get_markerfacecolor() == "white"
