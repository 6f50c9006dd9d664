"""The frontier of more methods than colours: who is named, who is grey, and the spread end."""

import numpy as np
import pandas as pd
import pytest
from end_task_scores import scores_of
from figure_checks import problems
from matplotlib.figure import Figure

from lethe.commands import figure as command
from lethe.figures.frontier_looks import MANY, NAMED, PALE, named_methods
from lethe.figures.spread import WIDTH, crowded_end, spread
from lethe.longtables.tables import METRIC_COLUMNS, LongTables

BEYOND = 4


def study(count: int, on_front: int) -> LongTables:
    """So many methods, plain training first; those on the front are better than it in both."""
    runs = {}
    for place in range(count):
        method = f"method-{place}" if place else "sequential"
        is_best = 0 < place <= on_front
        learned, lost = (60.0 + place, 2.0 * place) if is_best else (40.0 + place / 10, 30.0)
        # Learned is the mean over the first task, after its own stage, and the last one.
        own, final = learned + lost / 2 - 2, learned - lost / 2
        for world in (1, 2, 3):
            runs[method, "ab", world] = (30, own + world, final, final)
    return LongTables(scores_of(runs), pd.DataFrame(columns=METRIC_COLUMNS))


def drawn(tables: LongTables, width: str = "text"):
    with command.style():
        return command.draw("frontier", tables, width)


def legend_names(figure: Figure) -> set[str]:
    return {text.get_text() for legend in figure.legends for text in legend.get_texts()}


def points_by_colour(figure: Figure) -> pd.Series:
    """Of every point that is drawn in the first panel."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    at = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]
    return pd.Series([line.get_color() for line in lines], index=pd.MultiIndex.from_tuples(at))


@pytest.mark.parametrize(("on_front", "named"), [(BEYOND, BEYOND), (11, NAMED)])
def test_of_twelve_methods_plain_training_and_the_front_are_named_and_all_are_drawn(
    on_front, named
):
    result = drawn(study(12, on_front))
    plotted = result.plotted.set_index("method")
    assert len(plotted) == 12 and plotted["on_front"].sum() == on_front
    front = [f"method-{place}" for place in range(1, named + 1)]
    # Of a long front those that keep the most: here the first.
    methods = {name for name in legend_names(result.figure) if name in plotted.index}
    assert methods == {"sequential", *front} and len(methods) <= 9
    colours = points_by_colour(result.figure)
    assert len(colours) == 12
    for method, row in plotted.iterrows():
        colour = colours.loc[(row["learned_value"], row["kept_value"])]
        assert (colour == PALE) == (method not in methods)
    of_named = colours[colours != PALE]
    assert of_named.nunique() == len(of_named) == len(methods)
    assert f"Light grey, without bars: {12 - len(methods)} other methods" in result.caption
    assert "in the CSV and in the table methods" in result.caption
    assert ("nearest the top of a front" in result.caption) == (on_front > NAMED)


def test_up_to_ten_methods_are_all_named_and_none_is_grey():
    result = drawn(study(MANY, BEYOND))
    assert set(result.plotted["method"]) <= legend_names(result.figure)
    assert PALE not in set(points_by_colour(result.figure))
    assert "Light grey" not in result.caption and "spread" not in result.caption


@pytest.mark.parametrize("width", ["column", "text", "page"])
def test_many_methods_fit_the_page(width):
    result = drawn(study(30, BEYOND), width)
    assert "26 other" not in result.caption and "25 other methods" in result.caption
    # Points of unnamed methods look alike on purpose.
    with command.style():
        assert [words for words in problems(result.figure) if PALE not in words] == []


def test_the_tops_of_all_fronts_come_before_what_is_further_down_one_of_them():
    rows = [("equal", f"a{n}", 90 - n) for n in range(9)] + [("own", f"b{n}", -n) for n in range(3)]
    points = pd.DataFrame(rows, columns=["of", "method", "kept_value"])
    points = points.assign(model="m", kept="k", control=False, on_front=True, learned_value=1.0)
    assert named_methods(points) == ["a0", "b0", "a1", "b1"]


def test_an_end_that_holds_most_points_is_spread_and_the_scale_has_an_inverse():
    assert crowded_end([20, 97, 98, 99, 100], [20, 97, 98, 99, 100]) == 95
    assert crowded_end([20, 30, 40, 99, 100], [20, 30, 40, 99, 100]) is None
    # Where all lie in a few points nothing is to be spread.
    assert crowded_end([97, 98, 99], [97, np.nan, 99]) is None
    figure = Figure()
    axes = figure.subplots()
    spread(axes, 95, 10, 100)
    values = np.array([10, 60, 95, 96, 100.0])
    scale = axes.xaxis.get_transform()
    np.testing.assert_allclose(scale.inverted().transform(scale.transform(values)), values)
    at = axes.transAxes.inverted().transform(
        axes.transData.transform([(95, 0), axes.get_xlim()[:1] + (0,), (100, 0)])
    )[:, 0]
    assert at[0] == pytest.approx(1 - WIDTH) and at[1] == pytest.approx(0) and at[2] < 1
    ticks = axes.get_xticks()
    assert (np.diff(ticks) > 0).all() and ticks[0] < 95 <= ticks[-1] <= 100.5
