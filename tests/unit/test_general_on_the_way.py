"""General ability after every stage: what is lost on the way is said though it comes back."""

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, long_tables, synthetic_study

from lethe.longtables.axes import BIAS, OWN
from lethe.longtables.metric_ids import CHANGE_SO_FAR
from lethe.report.headlines import tiles

LOWEST, LAST = 2, 5


@pytest.fixture(scope="module", params=[False, True], ids=["monotone", "regained"])
def study(request):
    """Ability falls with every stage; where it is regained, two stages have changed places."""
    what = Synthetic(models=(("small", 1000),), orders=("forward",), control=False)
    scores, items = synthetic_study(what)
    if request.param:
        answered = ["node", "value", "stderr"]
        stages = {stage: scores[scores["stage_index"] == stage].index for stage in (LOWEST, LAST)}
        taken = scores[answered].copy()
        for stage, other in ((LOWEST, LAST), (LAST, LOWEST)):
            scores.loc[stages[stage], answered] = taken.loc[stages[other]].to_numpy()
    return request.param, long_tables(scores, items, resamples=200)


def test_the_change_after_each_stage_is_the_mean_over_sets_and_the_last_is_delta_general(study):
    _, tables = study
    rows = tables.metrics[tables.metrics["metric"] == CHANGE_SO_FAR].set_index("stage_index")
    scored = tables.scores[~tables.scores["axis"].isin([BIAS, OWN])]
    by_stage = scored.pivot_table(index="stage_index", columns="probe", values="value")
    changes = (by_stage - by_stage.loc[0]).mean(axis=1)
    assert list(rows.index) == [1, 2, 3, 4, 5]
    for stage, row in rows.iterrows():
        assert row["value"] == pytest.approx(changes[stage])
        assert row["low"] < row["value"] < row["high"] and row["axis"] == "general"
    whole = tables.metrics[tables.metrics["metric"] == "delta_general"].iloc[0]
    for name in ("value", "low", "high", "n", "n_units"):
        assert rows.loc[LAST][name] == pytest.approx(whole[name])


def test_a_report_says_it_of_a_loss_that_came_back_and_of_no_other(study):
    regained, tables = study
    words = next(tile.words for tile in tiles(tables) if tile.heading.startswith("General"))
    assert ("on the way" in words) == regained
    if regained:
        rows = tables.metrics[tables.metrics["metric"] == CHANGE_SO_FAR]
        lowest = rows.loc[rows["value"].idxmin()]
        assert lowest["stage_index"] == LOWEST
        number = f"−{abs(100 * lowest['value']):.1f} [−{abs(100 * lowest['low']):.1f}"
        assert f"on the way: {number}" in words and "after stage 2 of 5 (emdg)" in words


def test_without_an_interval_below_zero_nothing_is_said():
    few = {"control": False, "forgetting": 0.0, "items": 12, "sets_an_axis": 1}
    scores, items = synthetic_study(
        Synthetic(models=(("small", 1000),), orders=("forward",), **few)
    )
    tables = long_tables(scores, items)
    change = tables.metrics[tables.metrics["metric"] == CHANGE_SO_FAR]
    assert (change["high"] > 0).all() and np.isfinite(change["low"]).all()
    assert not any("on the way" in tile.words for tile in tiles(tables))


def test_a_set_missing_after_a_stage_leaves_that_stage_empty_with_a_note():
    what = Synthetic(models=(("small", 1000),), orders=("forward",), control=False)
    scores, items = synthetic_study(what)
    gone = (scores["probe"] == "know_trade") & (scores["stage_index"] == 3)
    tables = long_tables(scores[~gone], items)
    rows = tables.metrics[tables.metrics["metric"] == CHANGE_SO_FAR].set_index("stage_index")
    assert rows["value"].isna().tolist() == [False, False, True, False, False]
    assert "know_trade" in rows.loc[3]["note"] and pd.isna(rows.loc[3]["low"])
