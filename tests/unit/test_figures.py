"""Figures of made-up studies: what is drawn, what is said of it, and that it is on the page."""

import importlib
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_checks import problems
from figure_studies import STUDIES, drawn, study, words
from synthetic_study import Synthetic, long_tables, synthetic_study

from lethe.commands import figure as command
from lethe.config.by_file import names_in
from lethe.config.reading import CATALOGUE, read_yaml
from lethe.errors import UserError
from lethe.figures import items
from lethe.figures.appearance import CONTROL_COLOUR, METHODS, NO_METHOD, looks, order_fills
from lethe.longtables.dev_sets import words as words_of_dev
from lethe.longtables.run import RUN_COLUMNS
from lethe.longtables.tables import write_metrics, write_scores
from lethe.metrics.shown import is_control, lines, shown

# Nine figures of nine studies are drawn.
pytestmark = pytest.mark.slow

# Those of masked language models have tests of their own.
OF_DOMAINS = {"end_tasks", "importance", "compute"}
FIGURES = [name for name in names_in("figures") if name not in OF_DOMAINS]


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_of_every_kind_of_study_has_readable_texts_and_series_that_differ(
    figure, name
):
    with command.style():
        result = drawn(figure, name)
        assert problems(result.figure) == []
    assert len(result.plotted)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("name", ["gaps", "all parts, one seed"])
def test_every_figure_fits_a_column(figure, name):
    with command.style():
        found = drawn(figure, name, "column").figure
        assert problems(found) == []
    assert found.get_figwidth() == 3.3


@pytest.mark.parametrize("figure", FIGURES)
def test_the_caption_says_what_the_intervals_are_over_and_n(figure):
    caption = drawn(figure, "all parts, one seed").caption
    assert "95 % intervals over items" in caption and "(1 seed)" in caption
    assert "Wilson" in caption and "1,000 bootstrap resamples" in caption
    # A type of bias has a third of the pairs, and types at floor do not count; points of three
    # figures are over several sets.
    several = ("bias", "fg", "frontier", "evolution", "items")
    assert re.search("n = [0-9]+", caption) if figure in several else "n = 12" in caption
    assert "95 % t-intervals over 3 base seeds" in drawn(figure, "all parts").caption


@pytest.mark.parametrize("figure", ["fg", "learning_forgetting", "matrix", "evolution"])
def test_what_is_missing_is_shown_as_missing(figure):
    assert "missing" in words(drawn(figure, "gaps").figure)
    assert "missing" not in words(drawn(figure, "usual").figure)


def test_a_floor_is_written_where_the_point_would_be():
    found = words(drawn("fg", "all equal").figure)
    assert "at floor" in found
    assert "At floor and left out" in drawn("fg", "all equal").caption


def test_plotted_numbers_are_those_of_the_metrics_table():
    metrics = shown(study("usual").metrics, ["fg_luo", "fg_chance"])
    expected = metrics[metrics["probe"] == ""]
    plotted = drawn("fg", "usual").plotted
    assert len(plotted) == len(expected)
    assert sorted(plotted["value"]) == sorted(expected["value"])


def test_evolution_plots_every_set_after_every_stage():
    plotted = drawn("evolution", "usual").plotted
    means = plotted["metric"] == "axis_mean"
    for rows, count in ((plotted[~means], 18), (plotted[means], 5)):
        runs = rows.groupby(["model", "order"])
        assert runs.ngroups == 6 and (runs.size() == count * 6).all()
    knowledge = plotted[plotted["axis"] == "knowledge"]
    means = knowledge["metric"] == "axis_mean"
    assert knowledge.loc[~means, "chance"].eq(0.25).all()
    keys = ["model", "order", "stage_index"]
    expected = knowledge[~means].groupby(keys)["value"].mean()
    found = knowledge[means].set_index(keys)["value"]
    assert found.sort_index().to_numpy() == pytest.approx(expected.sort_index().to_numpy())


def test_the_matrix_outlines_each_task_right_after_its_stage():
    figure = drawn("matrix", "usual").figure
    outlined = {
        axes.get_title(loc="left"): sorted(
            (round(box.get_x()), round(box.get_y())) for box in axes.patches
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
    for suffix in ("pdf", "svg", "png", "csv", "txt"):
        first = (tmp_path / "one" / f"fg.{suffix}").read_bytes()
        assert first == (tmp_path / "two" / f"fg.{suffix}").read_bytes()
        assert b"CreationDate" not in first and b"Matplotlib" not in first


def test_a_figure_of_chains_on_dev_sets_says_so():
    tables = study("usual")
    told = words_of_dev(tables.scores.assign(split="dev"))
    with command.style():
        plain, dev = (command.draw("fg", replace(tables, on_dev=text)) for text in ("", told))
    assert dev.caption == f"{plain.caption} {told[0].upper()}{told[1:]}."
    assert "dev sets" in dev.caption and "dev sets" not in plain.caption


def test_the_command_writes_its_files_from_the_tables_on_disk(tmp_path, capsys):
    tables = study("usual")
    write_scores(tmp_path / "scores.csv", tables.scores)
    write_metrics(tmp_path / "metrics.csv", tables.metrics)
    parser = importlib.import_module("argparse").ArgumentParser()
    command.add_arguments(parser)
    flags = ["--scores", tmp_path / "scores.csv", "--metrics", tmp_path / "metrics.csv"]
    arguments = [str(word) for word in ["matrix", *flags, "--out", tmp_path / "figures"]]
    assert command.run(parser.parse_args(arguments)) == 0
    assert len(capsys.readouterr().out.split()) == 5
    again = pd.read_csv(tmp_path / "figures" / "matrix.csv")
    expected = drawn("matrix", "usual").plotted
    np.testing.assert_allclose(again["value"], expected["value"].astype(float))
    with pytest.raises(UserError, match="'evolutoin' is not known; did you mean 'evolution'"):
        command.run(parser.parse_args(["evolutoin", *arguments[1:]]))


def test_every_colour_is_that_of_a_method_of_the_catalogue_and_its_own():
    methods = read_yaml(CATALOGUE / "methods.yaml")
    assert METHODS.keys() <= methods.keys()
    assert len(set(METHODS.values())) == len(METHODS)
    assert not set(METHODS.values()) & {CONTROL_COLOUR, NO_METHOD}


def test_orders_have_fills_by_their_place_and_controls_are_full():
    names = ["ab", "ba", "forward", "o1", "control:x", "reverse", "control:y", "o2"]
    fills = order_fills(pd.DataFrame({"order": [*names, "ab"]}))
    assert fills["ab"] == fills["control:x"] == fills["control:y"] == "full"
    tasks = [name for name in names if not name.startswith("control")]
    assert len({fills[name] for name in tasks}) == len(tasks)


def test_every_method_and_variant_has_its_own_colour():
    names = ["bcl", "sequential", "kd", "das", "das-update", "mine", "ewc"]
    variants = [(name, "{}", "r") for name in names] + [("ewc", '{"strength": 2}', "r")]
    metrics = pd.DataFrame([_line(*variant) for variant in variants])
    found = looks(metrics)
    assert len({look.colour for look in found.values()}) == len(variants)
    shown = {look.label: look.colour for look in found.values()}
    assert shown["das"] == METHODS["das"]


def _line(method: str, params: str, recipe: str) -> dict:
    row = dict.fromkeys([*RUN_COLUMNS, "params"], 1)
    words = {"model": "m", "method": method, "method_params": params, "recipe": recipe}
    words["parametrisation"] = "full"
    return {**row, **words, "order": "o"}


def test_nine_models_have_nine_looks():
    models = tuple((f"model-{n}", 1000 + n) for n in range(9))
    found = looks(
        long_tables(
            *synthetic_study(Synthetic(models, items=6, control=False, sets_an_axis=1))
        ).metrics
    )
    assert len({(look.colour, look.marker) for look in found.values()}) == 9


REGAINED = ("regained", "regained_low", "regained_high")


@pytest.mark.parametrize("floor", ["control", "seeds"])
def test_noise_floors_that_are_further_out_than_every_line_stay_inside_the_panels(floor):
    tables = study("three seeds")
    changes = tables.changes
    of_control = changes["order"].str.startswith("control")
    lines_alone = changes[~of_control & (changes["against"] == "base")]
    further = changes[of_control] if floor == "control" else lines_alone.assign(against="seeds")
    none, most = ({name: value for name in REGAINED} for value in (0.0, 0.9))
    both = pd.concat([lines_alone.assign(**none), further.assign(**most)], ignore_index=True)
    figure = items.draw(replace(tables, changes=both)).figure
    assert all(axes.get_ylim()[0] < -90 for axes in figure.axes if axes.get_visible())


def test_the_caption_of_fg_says_that_bars_may_leave_a_panel():
    assert "bars that leave a panel are in the CSV" in drawn("fg", "usual").caption


def test_the_caption_of_evolution_names_thin_lines_where_they_are():
    assert "Thin: single sets" in drawn("evolution", "usual").caption


def test_own_tasks_are_named_without_what_is_mixed_in():
    axes = drawn("learning_forgetting", "all parts, one seed").figure.axes
    named = [label.get_text() for panel in axes for label in panel.get_xticklabels()]
    assert any(name.startswith("simp\n") for name in named) and not any("&" in n for n in named)
