"""Colours and markers tell every two series apart, for common eyes of every kind."""

from itertools import combinations

import pandas as pd
import pytest
from colour_vision import least_difference

from lethe.figures.appearance import (
    CONTROL_COLOUR,
    MARKERS,
    PALETTE,
    _variant,
    _words,
    looks,
    method_names,
    point_looks,
)
from lethe.longtables.run import RUN_COLUMNS
from lethe.metrics.shown import LINE_COLUMNS
from lethe.metrics.warnings import _told
from lethe.tables.lines import words as table_words

APART = 10  # CIEDE2000


def frame(models, methods, controls=()):
    """A line for every model and method, and the controls of every model."""
    rows = []
    for size, model in enumerate(models):
        words = {
            "model": model,
            "params": size,
            "parametrisation": "full",
            "method_params": "{}",
            "recipe": "r",
        }
        chains = [(method, "o") for method in methods]
        chains += [("sequential", f"control:{name}") for name in controls]
        for method, order in chains:
            rows.append(dict.fromkeys(RUN_COLUMNS, 1) | words | {"method": method, "order": order})
    return pd.DataFrame(rows)


def test_any_two_colours_are_apart_for_every_common_eye():
    for one, other in combinations([*PALETTE, CONTROL_COLOUR], 2):
        assert least_difference(one, other) >= APART, (one, other)


@pytest.mark.parametrize(
    ("models", "methods", "controls"),
    [(1, 15, 1), (12, 1, 1), (3, 2, 2), (4, 15, 1), (2, 40, 3), (40, 1, 0)],
)
def test_no_two_lines_of_a_study_look_alike(models, methods, controls):
    names = ["sequential", "derpp", "das", "demix", "ewc", *(f"m{n}" for n in range(40))]
    rows = frame([f"model{n}" for n in range(models)], names[:methods], "abc"[:controls])
    seen = {(look.colour, look.marker) for look in looks(rows).values()}
    assert len(seen) == models * (methods + controls)


def test_a_marker_means_a_model_and_a_colour_a_method():
    found = looks(frame(["a", "b"], ["sequential", "ewc"]))
    by_name = {(line[0], line[1]): look for line, look in found.items()}
    for model, marker in zip("ab", MARKERS, strict=False):
        assert {by_name[model, method].marker for method in ("sequential", "ewc")} == {marker}
    for method in ("sequential", "ewc"):
        assert by_name["a", method].colour == by_name["b", method].colour
    points = point_looks(by_name)
    assert {pair: (look.colour, look.marker) for pair, look in points.items()} == {
        pair: (look.colour, look.marker) for pair, look in by_name.items()
    }


def test_lines_without_markers_tell_eight_models_apart():
    """As in the charts of a report, where a line has a colour and a stroke alone."""
    found = looks(frame(list("abcdefgh"), ["sequential", "ewc"]))
    assert len({(look.colour, look.stroke) for look in found.values()}) == len(found) == 16


def test_tables_warnings_and_figures_name_a_chain_alike():
    """With LoRA and one of two recipes: nothing has an order of words of its own."""
    words = {name: "" for name in LINE_COLUMNS} | {"model": "xs", "method": "sequential"}
    words |= {"order": "ab", "method_params": "{}", "parametrisation": "lora", "params": 1}
    rows = pd.DataFrame([words | {"recipe": recipe} for recipe in ("slow", "fast")])
    rows["line"] = [tuple(row) for row in rows[LINE_COLUMNS].to_numpy()]
    line = rows["line"].iloc[0]
    in_table = table_words(line, rows)["method"]
    variants = [_variant(other) for other in rows["line"]]
    (told, _) = _told(rows, ["recipe"], ("model", "method", "order"), (lambda _: [("kind", "x")],))
    assert in_table == _words(line, variants) == told["method"] == "sequential (lora, slow)"


def test_a_method_has_one_colour_also_where_each_model_has_a_recipe_of_its_own():
    rows = frame(["a", "b"], ["sequential", "replay"])
    rows["recipe"] = rows["model"].map({"a": "slow", "b": "fast"})
    colours = {line[:2]: look.colour for line, look in looks(rows).items()}
    assert colours["a", "sequential"] == colours["b", "sequential"]
    assert colours["a", "replay"] == colours["b", "replay"] != colours["a", "sequential"]


def test_recipes_of_one_method_and_model_have_colours_that_no_method_of_the_study_has():
    rows = frame(["a"], ["sequential", "replay"])
    again = rows.assign(recipe="other")
    studied = method_names(rows, rows.assign(parametrisation="lora"))
    found = looks(pd.concat([rows, again]), studied)
    assert len({look.colour for look in found.values()}) == 4
    methods = {look.colour for look in point_looks(("a", name) for name in studied).values()}
    assert len(methods & {look.colour for look in found.values()}) == 2


def test_a_chart_of_some_methods_has_the_colours_of_the_study():
    rows = frame(["a"], ["sequential", "replay", "ewc", "other"])
    studied = method_names(rows)
    every = {line[1]: look.colour for line, look in looks(rows).items()}
    some = rows[rows["method"].isin(["sequential", "other"])]
    of_lines = {line[1]: look.colour for line, look in looks(some, studied).items()}
    of_points = {
        name: look.colour for (_, name), look in point_looks([("a", "other")], studied).items()
    }
    assert of_lines == {name: every[name] for name in ("sequential", "other")}
    assert of_points == {"other": every["other"]}
