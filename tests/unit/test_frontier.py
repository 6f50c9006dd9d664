"""The figure of kept against learned: points, recipes of one method, the front, what has none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from end_task_scores import scores_of
from figure_checks import problems
from synthetic_study import Synthetic, long_tables, synthetic_study

from lethe.commands import figure as command
from lethe.figures.drawing import limits
from lethe.figures.frontier import BEST, LEAST, front, frontier_points
from lethe.longtables.tables import METRIC_COLUMNS, LongTables
from lethe.tables.method_lines import method_lines

RECIPES = ("slow", "middle", "fast")
METHODS = ("sequential", "ewc", "das", "kd", "derpp", "hat")
SMALL = Synthetic((("xs", 7), ("s", 9)), orders=("forward",), items=6, sets_an_axis=1)


@pytest.fixture(scope="module")
def many():
    """Six methods with three recipes each: later ones learn more, faster recipes keep less."""
    scores, items = synthetic_study(SMALL)
    parts = []
    for place, method in enumerate(METHODS):
        for step, recipe in enumerate(RECIPES):
            part = scores.assign(method=method, recipe=recipe)
            part = part[(place == 0) | ~part["order"].str.startswith("control")]
            own, base = part["axis"] == "own", part["stage_index"] == 0
            factor = np.where(own, 0.7 + 0.03 * place + 0.07 * step, 1 - 0.08 * step)
            parts.append(part.assign(value=part["value"] * np.where(base, 1, factor)))
    return long_tables(pd.concat(parts, ignore_index=True), items)


def drawn(tables, width="text"):
    with command.style():
        return command.draw("frontier", tables, width)


def test_a_point_is_what_was_learned_and_what_was_kept_of_one_method_and_recipe(many):
    points = frontier_points(method_lines(many), list(RECIPES))
    assert len(points) == 2 * (2 * 18 + 3)
    metrics = many.metrics[(many.metrics["model"] == "s") & (many.metrics["method"] == "das")]
    metrics = metrics[(metrics["recipe"] == "fast") & (metrics["probe"] == "")]
    at = metrics.drop_duplicates("metric").set_index("metric")[["value", "low", "high"]] * 100
    row = points[(points["model"] == "s") & (points["method"] == "das")]
    row = row[(row["recipe"] == "fast") & (row["kept"] == "delta_general")].iloc[0]
    assert row[["learned_value", "learned_low"]].tolist() == at.loc["la", ["value", "low"]].tolist()
    assert row[["kept_value", "kept_high"]].tolist() == pytest.approx(
        at.loc["delta_general", ["value", "high"]].tolist()
    )
    assert row["place"] == 3


def test_recipes_are_joined_in_the_order_of_the_study_s_list(many):
    points = frontier_points(method_lines(many), ["fast", "slow", "middle"])
    chain = points[(points["method"] == "kd") & (points["model"] == "xs")]
    chain = chain[chain["kept"] == "bwt_gem"].set_index("recipe")
    assert chain["place"].to_dict() == {"fast": 1, "slow": 2, "middle": 3}
    result = drawn(many)
    panel = result.figure.axes[0]
    joined = [list(line.get_xdata()) for line in panel.lines if len(line.get_xdata()) == 3]
    for method in METHODS:
        rows = result.plotted[result.plotted["method"] == method]
        rows = rows[(rows["model"] == "xs") & (rows["kept"] == "delta_general") & ~rows["control"]]
        # Faster recipes learn more here, so each chain runs to the right.
        assert sorted(rows["learned_value"]) in joined


def test_a_control_shows_own_tasks_that_no_stage_taught_and_is_never_on_the_front(many):
    points = frontier_points(method_lines(many), list(RECIPES))
    control = points[points["control"]]
    assert set(control["kept"]) == {"delta_general"} and not control["on_front"].any()
    scored = many.metrics[
        (many.metrics["order"] == "control:general")
        & (many.metrics["recipe"] == "slow")
        & (many.metrics["model"] == "xs")
        & (many.metrics["axis"] == "own")
        & (many.metrics["stage_index"] == 5)
    ]
    row = control[(control["recipe"] == "slow") & (control["model"] == "xs")].iloc[0]
    assert row["learned_value"] == pytest.approx(100 * scored["value"].mean())


@pytest.mark.parametrize(
    ("learned", "kept", "expected"),
    [
        ([1, 2, 3], [3, 2, 1], [True, True, True]),
        ([1, 2, 3], [1, 2, 3], [False, False, True]),
        ([1, 1, 2], [5, 4, 0], [True, False, True]),
        # Equal points are not beyond each other.
        ([1, 1, 0], [1, 1, 1], [True, True, False]),
    ],
)
def test_the_front_are_the_points_that_no_other_is_beyond(learned, kept, expected):
    points = pd.DataFrame({"learned_value": learned, "kept_value": kept}, dtype=float)
    assert front(points).tolist() == expected


@pytest.mark.parametrize("width", ["column", "text", "page"])
def test_many_methods_and_recipes_fit_the_page_and_look_different(many, width):
    with command.style():
        assert problems(drawn(many, width).figure) == []


def test_panels_of_one_block_share_their_limits_which_hold_every_interval(many):
    result = drawn(many)
    panels = [axes for axes in result.figure.axes if axes.get_visible()]
    assert len(panels) == 4
    for first, second, kept in ((0, 1, "delta_general"), (2, 3, "bwt_gem")):
        assert panels[first].get_xlim() == panels[second].get_xlim()
        low, high = panels[first].get_ylim()
        part = result.plotted[result.plotted["kept"] == kept]
        assert low < part["kept_low"].min() and part["kept_high"].max() < high and low < 0 < high


def test_an_axis_of_scores_that_are_nearly_alike_grows_below_them_and_not_beyond_100():
    low, high = limits([94.5, 95.0], LEAST, most=BEST)
    assert high - low >= LEAST
    assert low < 94.5 and 95.0 < high <= BEST + 1
    # Where there is room above, it grows there.
    assert limits([40.0, 41.0], LEAST, most=BEST) == limits([40.0, 41.0], LEAST)


def end_tasks(**more) -> LongTables:
    runs = {
        (method, "ab", world): (30, own + world, final, final)
        for method, own, final in (("sequential", 60, 50), ("das", 58, 57))
        for world in (1, 2, 3)
    }
    return LongTables(scores_of(runs | more.get("runs", {})), pd.DataFrame(columns=METRIC_COLUMNS))


def test_domains_show_end_tasks_learned_and_kept_and_the_caption_says_who_has_no_point():
    pool = {("sequential", "pool", world): (30, 0, 70, 70) for world in (1, 2, 3)}
    result = drawn(end_tasks(runs=pool))
    at = result.plotted.set_index("method")
    assert at.loc["sequential", ["learned_value", "kept_value", "base"]].tolist() == [56, -12, 30]
    assert at.loc["das", "kept_value"] == pytest.approx(-3)
    assert at["on_front"].to_dict() == {"sequential": False, "das": True}
    assert "Without a point: m, sequential, pool (needs a second stage)" in result.caption
    assert "95 % t-intervals over 3 runs" in result.caption
    with command.style():
        assert problems(result.figure) == []


def test_one_stage_shows_general_ability_alone_and_nothing_is_a_sentence():
    one = long_tables(*synthetic_study(replace(SMALL, tasks=("simp",))))
    assert set(drawn(one).plotted["kept"]) == {"delta_general"}
    general = one.scores["axis"] != "own"
    without = LongTables(one.scores[general], one.metrics[one.metrics["axis"] != "own"])
    assert "name a set of the axis `own`" in drawn(without).plotted["missing"].iloc[0]
