"""The checks of figures find what they are for, and colours are as far apart as published."""

import pytest
from colour_vision import delta_e, least_difference, seen
from figure_checks import outside, overlaps, problems, small_texts, texts_off_page
from figure_looks import alike
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lethe.figures.marks import BEHIND


# Pairs of Sharma, Wu and Dalal 2005, Table 1.
@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_of_colours_are_those_of_the_published_pairs(one, other, expected):
    assert delta_e(one, other) == pytest.approx(expected, abs=5e-5)
    assert delta_e(other, one) == pytest.approx(expected, abs=5e-5)


def test_red_and_green_of_equal_lightness_are_alike_for_colour_blind_readers_alone():
    red, green = "#b75b4a", "#75793b"
    assert delta_e(seen(red), seen(green)) > 30 > 12 > least_difference(red, green)
    assert least_difference("#000000", "#ffffff") == pytest.approx(100, abs=0.1)
    for vision in ("usual", "protanopia", "deuteranopia", "tritanopia"):
        assert seen("#808080", vision)[1:] == pytest.approx((0, 0), abs=0.05)


def page(**keys):
    figure = Figure(figsize=(3.3, 2), layout="constrained")
    return figure, figure.subplots(**keys)


def test_a_plain_figure_has_no_problems():
    figure, axes = page()
    axes.tick_params(labelsize=8)
    axes.plot([0, 1, 2], [0, 1, 4], marker="o", label="one")
    axes.plot([0, 1, 2], [4, 1, 0], marker="s", color="#D55E00", label="two")
    axes.axhline(1, color="#0072B2")
    figure.legend(loc="outside upper left", ncols=2)
    assert problems(figure) == []


def test_small_texts_and_sizes_are_found_with_ticks_stricter():
    figure, axes = page()
    axes.tick_params(labelsize=7.5)
    axes.set_xticks([0, 1])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "note", fontsize=7)
    assert small_texts(figure) == ["'0' has 7.5 points", "'1' has 7.5 points"]
    figure.set_size_inches(6.6, 9.2)
    assert "6.60 inches wide" in problems(figure) and "9.20 inches high" in problems(figure)


def test_a_text_off_the_page_is_found_and_a_tick_beyond_its_axis_is_no_text():
    figure, axes = page()
    axes.set_xticks([0, 1, 40])
    axes.set_xlim(0, 1)
    figure.draw_without_rendering()
    assert texts_off_page(figure) == []
    axes.text(5, 0.5, "far away")
    assert texts_off_page(figure) == ["'far away' leaves the page"]


@pytest.mark.parametrize("mode", ["anchor", "default"])
def test_turned_labels_lie_on_each_other_only_where_their_letters_would(mode):
    figure, axes = page()
    axes.set_yticks([])
    names = [f"a long name {n}" for n in range(8)]
    axes.set_xticks(range(8), names, rotation=60, rotation_mode=mode, ha="right")
    figure.draw_without_rendering()
    assert overlaps(figure) == []
    axes.set_xticks(range(8), names, rotation=0)
    figure.draw_without_rendering()
    assert len(overlaps(figure)) >= 7


def test_a_legend_of_the_figure_on_a_panel_is_found_and_one_beside_it_is_not():
    figure, axes = page()
    axes.plot([0, 1], [0, 1], label="one")
    figure.legend(loc="outside upper center")
    figure.draw_without_rendering()
    assert overlaps(figure) == []
    figure.legends[0].remove()
    axes.set_title("panel", loc="left")
    figure.legend(loc="center")
    figure.draw_without_rendering()
    assert "a legend lies on the panel 'panel'" in overlaps(figure)


def test_series_must_differ_in_colour_for_everybody_or_in_shape():
    figure, axes = page()
    near, also = "#CC79A7", "#44AA99"  # alike under deuteranopia
    axes.plot([0, 1], [0, 1], color=near, label="one")
    axes.plot([0, 1], [1, 0], color=also, label="two")
    assert len(alike(figure)) == 1
    axes.legend()
    assert len(alike(figure)) == 2
    axes.lines[1].set(linestyle=(0, (4, 2)))
    axes.legend()
    assert alike(figure) == []
    axes.lines[1].set(linestyle="-", label=BEHIND)
    axes.get_legend().remove()
    assert alike(figure) == []


def test_bars_differ_by_hatch_points_by_form_and_markers_by_their_face():
    figure, axes = page()
    axes.bar([0, 1], [1, 1], color="#0072B2")
    axes.bar([2, 3], [1, 1], color="#0072B4")
    axes.scatter([0], [1], color="#0072B2", marker="o")
    axes.scatter([0], [1], color="#0072B2", marker="s")
    axes.plot([0, 1], [1, 2], "o", color="#000000", mfc="white")
    axes.plot([0, 1], [1, 2], "o", color="#000000")
    assert len(alike(figure)) == 1
    for bar in axes.patches[2:]:
        bar.set_hatch("//")
    assert alike(figure) == []


def test_two_legend_entries_of_one_look_are_found():
    figure, _ = page()
    handles = [Line2D([], [], color="#5A5A5A", label=name) for name in ("mine", "yours")]
    figure.legend(handles=handles, loc="outside upper center")
    assert len(alike(figure)) == 1


def test_what_leaves_a_range_is_found_and_a_line_across_the_panel_is_not_data():
    figure, axes = page()
    axes.axvline(3)
    axes.fill_between([0, 1], [0.1, 0.2], [0.4, 1.0])
    axes.plot([0, 1], [0.2, 0.3])
    axes.bar([0], [0.5])
    axes.errorbar([0], [0.5], yerr=[[0.5], [0.5]])
    assert outside(axes, 0, 1) == []
    axes.fill_between([0, 1], [0.1, 0.2], [0.4, 1.1])
    axes.errorbar([0], [0.5], yerr=[[0.6], [0.1]])
    axes.bar([1], [1.2])
    assert len(outside(axes, 0, 1)) == 3
