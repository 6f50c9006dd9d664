"""Names beside lines lie in the panel, on no line with a name and on no other name."""

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from lethe.figures.frontier_looks import Look, chains, named_lines, named_methods
from lethe.figures.named_lines import NamedLine, name_lines, names_of


def test_a_line_is_named_by_its_order_or_recipe_only_where_these_tell_it_apart():
    assert names_of([("ewc", "ab", "low"), ("plain", "ab", "low"), ("plain", "ab", "long")]) == [
        "ewc", "plain, low", "plain, long",
    ]  # fmt: skip
    assert names_of([("plain", "ab", "low"), ("plain", "ba", "low")]) == ["plain, ab", "plain, ba"]


def test_names_touch_no_line_and_no_other_name_and_stay_in_the_panel():
    figure = Figure(figsize=(4, 3), dpi=100)
    axes = figure.subplots()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    lines = [NamedLine(f"method {n}", "#0072B2", np.array([[8.0, 9 - n / 4], [9.8, 9 - n / 2]]))
             for n in range(5)]  # fmt: skip
    figure.draw_without_rendering()
    name_lines(axes, lines, np.array([[5.0, 5.0]]))
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert sorted(text.get_text() for text in axes.texts) == [line.words for line in lines]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:place])
        assert Bbox.union([box, axes.get_window_extent()]).bounds == axes.get_window_extent().bounds
        for line in lines:
            share = np.linspace(0, 1, 200)[:, None]
            along = axes.transData.transform(
                line.points[:1] * (1 - share) + line.points[1:] * share
            )
            assert not any(box.contains(*at) for at in along)


def test_a_line_without_a_free_place_has_no_name():
    figure = Figure(figsize=(0.9, 0.6), dpi=100)
    axes = figure.subplots()
    figure.draw_without_rendering()
    name_lines(axes, [NamedLine("far too long a name", "#000000", np.array([[0.5, 0.5]]))], [])
    assert not axes.texts


def plain(recipes: dict[str, float]) -> pd.DataFrame:
    """Plain training with recipes on curves by number, in one model."""
    return pd.DataFrame([
        {"model": "m", "method": "sequential", "order": "ab", "recipe": recipe, "curve": curve,
         "place": place, "control": False, "of": "own", "kept": "k"}
        for place, (recipe, curve) in enumerate(recipes.items(), start=1)
    ])  # fmt: skip


def test_every_line_of_plain_training_is_named_by_its_first_and_last_recipe_and_joins_no_other():
    points = plain({"usual-low": 1.0, "usual": 1.0, "long": 2.0, "low-high": 3.0, "high": 3.0})
    seen = {("m", "sequential"): Look("#0072B2", "o", "-", "sequential")}
    named = {words: list(part["recipe"]) for words, part in named_lines(points, seen)}
    assert named == {
        "sequential, usual-low → usual": ["usual-low", "usual"],
        "sequential, long": ["long"],
        "sequential, low-high → high": ["low-high", "high"],
    }
    joined = [list(part["recipe"]) for _, part in chains(points, ["method", "order"])]
    assert joined == [["usual-low", "usual"], ["low-high", "high"]]


def test_on_a_front_at_equal_learning_those_that_reach_the_level_are_named():
    rows = [(f"a{n}", 20.0 + 8 * n, 100.0 - n) for n in range(11)]
    points = pd.DataFrame(rows, columns=["method", "learned_value", "kept_value"]).assign(
        of="equal", model="m", kept="k", control=False, on_front=True, level=90.0
    )
    assert named_methods(points) == ["a9", "a10"]
