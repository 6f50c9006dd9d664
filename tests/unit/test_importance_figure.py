"""The figure of importances: means over runs, I^(0) first, and what its caption says of tanh."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.text import Text
from scipy.special import ndtr

from lethe.commands import figure as command
from lethe.figures.importance import draw, importance_cells
from lethe.longtables.tables import LongTables
from lethe.methods.parts.softmask.importance import normalised, summaries

# Figures of many layers are drawn.
pytestmark = pytest.mark.slow

DOMAINS = ("restaurant", "acl")


def rows_of(method, seed, index, record):
    words = {
        "node": "n", "model": "enc", "params": 7, "world_seed": 1, "base_seed": 0,
        "method": method, "method_params": "{}", "recipe": "brief", "order": "both",
        "train_seed": seed, "stage_index": index, "stage_task": DOMAINS[index - 1],
        "device": "cpu", "schema_version": 2,
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


def drawn(frame):
    with command.style():
        figure = draw(LongTables(pd.DataFrame(), pd.DataFrame(), frame))
        figure.figure.draw_without_rendering()
    return figure


def texts(figure):
    found = [text for text in figure.figure.findobj(Text) if text.get_text().strip()]
    return [text for text in found if text.get_visible()]


def test_cells_are_means_over_runs_with_the_general_importance_first():
    cells = importance_cells(stages())
    first = cells[(cells["place"] == "output") & (cells["measure"] == "mean")]
    first = first[(first["layer"] == 1)].set_index(["of", "domain"])
    for of in ("accumulated", "domain"):
        found = [first.loc[(of, name), "value"] for name in ("general", *DOMAINS)]
        assert found == pytest.approx([0.2, 0.3, 0.4])
    assert set(first["runs"]) == {3} and set(first["stage_index"]) == {0, 1, 2}
    width = first["high"] - first["low"]
    assert np.allclose(width, 2 * 4.302653 * 0.1 / 3**0.5)


def test_few_heads_are_shown_one_by_one_and_many_by_layer():
    few = {text.get_text() for text in texts(drawn(stages()))}
    assert {"1.1", "1.2", "2.1", "2.2", "attention heads, by layer.head"} <= few
    many = {text.get_text() for text in texts(drawn(stages(heads=12, layers=12)))}
    assert "attention heads, by layer" in many and "1.1" not in many


@pytest.mark.parametrize("layers", [2, 12, 24])
def test_all_text_is_on_the_page_and_a_method_without_a_beginning_says_so(layers):
    frame = pd.concat([stages(layers=layers), stages(layers=layers, general=False, method="das-b")])
    found = drawn(frame)
    page = found.figure.bbox
    boxes = {text.get_text(): text.get_window_extent() for text in texts(found)}
    outside = [w for w, b in boxes.items() if b.x0 < -1 or b.x1 > page.x1 + 1 or b.y1 > page.y1]
    assert outside == []
    shown = [text.get_text() for text in texts(found)]
    assert "das-b, both: so far" in shown and "das, both: of the domain alone" in shown
    assert ("–" in shown) == (layers < 24)
    caption = " ".join(" ".join(shown).split())
    assert "Mean over 3 runs" in caption


def test_the_captions_numbers_are_those_of_unrelated_normal_units():
    """E max of n values |tanh Z| is the integral of 1 - F^n, and of two heads both have .61."""
    places = (np.arange(20_000) + 0.5) / 20_000
    below = 2 * ndtr(np.arctanh(places)) - 1
    means = [f"{(1 - below**n).mean():.2f}".removeprefix("0") for n in range(1, 8)]
    caption = " ".join(" ".join(text.get_text() for text in texts(drawn(stages()))).split())
    assert ", ".join(means) in caption and f"near {means[0]} whatever" in caption
    raw = torch.tensor([[1.0, 9.0], [-3.0, 0.5]])
    heads = normalised({"heads": raw}, "absolute")["heads"]
    assert {f"{value:.2f}" for value in heads.flatten().tolist()} == {"0.61"}


def test_a_study_without_importances_says_which_methods_have_some():
    text = drawn(stages()[:0]).plotted["missing"].iloc[0]
    assert "select `das`" in text
