"""Figures of made-up studies: what is drawn, what is said of it, and that it is on the page."""

import importlib
from functools import cache

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from synthetic_study import Synthetic, long_tables, synthetic_study, with_gaps

from lethe.errors import UserError
from lethe.figures import command
from lethe.figures.appearance import CONTROL_COLOUR, looks
from lethe.longtables import write_metrics, write_scores
from lethe.metrics.shown import is_control, lines, shown

SMALL = Synthetic(items=12)


@cache
def study(name):
    """Tables of a made-up study by what is special about it."""
    usual = name in ("usual", "gaps")
    scores, items = synthetic_study(SMALL if usual else Synthetic(items=12, orders=("forward",)))
    if name == "three seeds":
        return long_tables(
            *synthetic_study(Synthetic((("xs", 7),), (0, 1, 2), ("forward",), items=8))
        )
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


@cache
def drawn(figure, name):
    """A figure of a study."""
    with command.style():
        return importlib.import_module(f"lethe.figures.{figure}").draw(study(name))


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("figure", command.FIGURES)
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


@pytest.mark.parametrize("figure", command.FIGURES)
def test_the_caption_says_what_the_intervals_are_over_and_n(figure):
    caption = " ".join(" ".join(words(drawn(figure, "usual").figure)).split())
    assert "95 % bootstrap intervals over items" in caption and "(1 seed)" in caption
    assert "n = 12" in caption
    caption = " ".join(" ".join(words(drawn(figure, "three seeds").figure)).split())
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
    with pytest.raises(UserError, match="expected one of evolution, fg, .* found 'evolutoin'"):
        command.run(parser.parse_args(["evolutoin", *arguments[1:]]))
