"""The figure of importances: means over runs, I^(0) first, and what its caption says of tanh."""

import numpy as np
import pandas as pd
import pytest
import torch
from figure_checks import drawn_texts, problems
from scipy.special import ndtr

from lethe.commands import figure as command
from lethe.figures.importance import importance_cells
from lethe.longtables.tables import LongTables
from lethe.methods.parts.softmask.importance import normalised, summaries

# Figures of many layers are drawn.
pytestmark = pytest.mark.slow

DOMAINS = ("restaurant", "acl")


def rows_of(method, seed, index, record):
    words = {
        "node": "n", "model": "enc", "params": 7, "world_seed": 1, "base_seed": 0,
        "method": method, "method_params": "{}", "parametrisation": "full",
        "recipe": "brief", "order": "both", "train_seed": seed, "stage_index": index,
        "stage_task": DOMAINS[index - 1], "device": "cpu", "schema_version": 3,
    }  # fmt: skip
    for measure, values in record.items():
        for place, value in np.ndenumerate(values.numpy()):
            layer, unit = (*place, None)[:2]
            yield {**words, "measure": measure, "layer": layer, "unit": unit, "value": value}


def stages(heads=2, layers=2, general=True, method="das", seeds=(0, 1, 2)):
    """I^(0) is 0.1, I^(1) is 0.2, I^(2) is 0.3, and a run of seed s has 0.1 s more."""
    rows = []
    for seed in seeds:
        for index in (1, 2):
            known = {"domain": 0.1 + 0.1 * index, "accumulated": 0.1 + 0.1 * index}
            known |= {"general": 0.1} if general and index == 1 else {}
            places = {"heads": heads, "intermediate": 3, "output": 3}
            record = summaries(
                {
                    of: {p: torch.full((layers, n), value + 0.1 * seed) for p, n in places.items()}
                    for of, value in known.items()
                }
            )
            rows += rows_of(method, seed, index, record)
    return pd.DataFrame(rows)


def drawn(frame, width=None):
    with command.style():
        return command.draw("importance", LongTables(pd.DataFrame(), pd.DataFrame(), frame), width)


def words(figure):
    return [text.get_text() for text in drawn_texts(figure.figure)]


def test_cells_are_means_over_runs_with_the_general_importance_first():
    cells = importance_cells(stages())
    first = cells[(cells["place"] == "output") & (cells["measure"] == "mean")]
    first = first[(first["layer"] == 1)].set_index(["of", "domain"])
    for of in ("accumulated", "domain"):
        found = [first.loc[(of, name), "value"] for name in ("general", *DOMAINS)]
        assert found == pytest.approx([0.2, 0.3, 0.4])
    assert set(first["runs"]) == {3} and set(first["stage_index"]) == {0, 1, 2}
    half = 4.302653 * 0.1 / 3**0.5
    assert np.allclose(first["high"] - first["value"], half)
    assert np.allclose(first["low"], np.maximum(first["value"] - half, 0))


def test_few_heads_are_shown_one_by_one_and_many_by_layer():
    few = set(words(drawn(stages())))
    assert {"1.1", "1.2", "2.1", "2.2", "heads\nby head", "output\nby layer"} <= few
    many = set(words(drawn(stages(heads=12, layers=12))))
    assert "heads\nby layer" in many and "1.1" not in many


@pytest.mark.parametrize("width", ["page", "column"])
@pytest.mark.parametrize("layers", [2, 12, 24])
def test_texts_are_readable_and_a_method_without_a_beginning_says_so(layers, width):
    frame = pd.concat([stages(layers=layers), stages(layers=layers, general=False, method="das-b")])
    found = drawn(frame, width)
    with command.style():
        assert problems(found.figure) == []
    shown = words(found)
    assert {"das-b\nso far", "das\nso far", "das\nalone"} <= set(shown)
    # Cells have numbers where these fit; else there is a scale of colours.
    numbered = layers <= 12
    assert ("–" in shown) == numbered and ("0.5" in shown) == (not numbered)
    assert "Mean over 3 runs" in found.caption


def test_methods_beyond_a_page_are_in_the_csv_and_counted_in_the_caption():
    methods = [f"das-{place:02d}" for place in range(14)]
    found = drawn(pd.concat([stages(method=method, seeds=(0,)) for method in methods]))
    with command.style():
        assert problems(found.figure) == []
    labels = [axes.get_ylabel() for axes in found.figure.axes if "\n" in axes.get_ylabel()]
    assert labels[:3] == ["das-00\nso far", "das-00\nalone", "das-01\nso far"]
    assert f"{15 - len(labels)} more lines are in the CSV" in found.caption
    assert set(found.plotted["method"]) == set(methods)


def test_an_interval_of_importances_stays_within_0_and_1():
    cells = importance_cells(stages(seeds=(0, 3, 6)))
    assert cells["low"].min() >= 0 and cells["high"].max() <= 1


def test_the_captions_numbers_are_those_of_unrelated_normal_units():
    """E max of n values |tanh Z| is the integral of 1 - F^n, and of two heads both have .61."""
    places = (np.arange(20_000) + 0.5) / 20_000
    below = 2 * ndtr(np.arctanh(places)) - 1
    means = [f"{(1 - below**n).mean():.2f}".removeprefix("0") for n in range(1, 8)]
    caption = drawn(stages()).caption
    assert ", ".join(means) in caption and f"near {means[0]} whatever" in caption
    raw = torch.tensor([[1.0, 9.0], [-3.0, 0.5]])
    heads = normalised({"heads": raw}, "absolute")["heads"]
    assert {f"{value:.2f}" for value in heads.flatten().tolist()} == {"0.61"}


def test_a_study_without_importances_says_which_methods_have_some():
    text = drawn(stages()[:0]).plotted["missing"].iloc[0]
    assert "select `das`" in text
