"""General ability after every stage: what is lost on the way is said though it comes back."""

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, long_tables, synthetic_study

from lethe.longtables.axes import BIAS, OWN
from lethe.longtables.metric_ids import CHANGE_SO_FAR
from lethe.report.headlines import tiles

LOWEST, LAST = 2, 5


def regained(scores: pd.DataFrame) -> pd.DataFrame:
    """The same where the lowest stage and the last one have changed places."""
    answered = ["node", "value", "stderr"]
    stages = {stage: scores[scores["stage_index"] == stage].index for stage in (LOWEST, LAST)}
    changed = scores.copy()
    for stage, other in ((LOWEST, LAST), (LAST, LOWEST)):
        changed.loc[stages[stage], answered] = scores.loc[stages[other], answered].to_numpy()
    return changed


def general_words(tables) -> str:
    return next(tile.words for tile in tiles(tables) if tile.heading.startswith("General"))


@pytest.fixture(scope="module", params=[False, True], ids=["monotone", "regained"])
def study(request):
    """Ability falls with every stage; where it is regained, two stages have changed places."""
    what = Synthetic(models=(("small", 1000),), orders=("forward",), control=False)
    scores, items = synthetic_study(what)
    scores = regained(scores) if request.param else scores
    return request.param, long_tables(scores, items, resamples=200, changes=False)


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
    comes_back, tables = study
    words = general_words(tables)
    assert ("on the way" in words) == comes_back
    if comes_back:
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
    tables = long_tables(scores, items, changes=False)
    change = tables.metrics[tables.metrics["metric"] == CHANGE_SO_FAR]
    assert (change["high"] > 0).all() and np.isfinite(change["low"]).all()
    assert not any("on the way" in tile.words for tile in tiles(tables))


def test_a_set_missing_after_a_stage_leaves_that_stage_empty_with_a_note():
    what = Synthetic(models=(("small", 1000),), orders=("forward",), control=False)
    scores, items = synthetic_study(what)
    gone = (scores["probe"] == "know_trade") & (scores["stage_index"] == 3)
    tables = long_tables(scores[~gone], items, changes=False)
    rows = tables.metrics[tables.metrics["metric"] == CHANGE_SO_FAR].set_index("stage_index")
    assert rows["value"].isna().tolist() == [False, False, True, False, False]
    assert "know_trade" in rows.loc[3]["note"] and pd.isna(rows.loc[3]["low"])


@pytest.mark.parametrize("falling", ["one", "zero"])
def test_with_several_recipes_it_is_that_of_the_recipe_that_the_headline_is_of(falling):
    what = Synthetic(models=(("small", 1000),), orders=("forward",), control=False)
    scores, items = synthetic_study(what)
    parts = (scores.assign(recipe=falling), regained(scores).assign(recipe="two"))
    tables = long_tables(pd.concat(parts, ignore_index=True), items, changes=False)
    words = general_words(tables)
    change = tables.metrics[tables.metrics["metric"] == "delta_general"].set_index("recipe")
    other = f"{100 * change.loc['two', 'value']:.1f}".replace("-", "−")
    # The headline is of the first recipe by name: one falls to the end, the other comes back.
    is_first = falling < "two"
    assert ("after stage 2 of 5 (emdg)" in words) != is_first
    assert (f"Least lost under sequential, two: {other}" in words) == is_first
    assert "stage 5" not in words


def test_a_stage_within_the_interval_of_the_end_is_not_said_to_have_lost_more():
    what = Synthetic(models=(("small", 1000),), orders=("forward",), control=False)
    scores, items = synthetic_study(what)
    tables = long_tables(scores, items, changes=False)
    whole = tables.metrics["metric"] == "delta_general"
    end = tables.metrics[whole].iloc[0]
    by_stage = tables.metrics["metric"] == CHANGE_SO_FAR
    third = by_stage & (tables.metrics["stage_index"] == 3)
    for part, said in ((0.0004, ""), (0.9, "not shown to be lower"), (1.1, "More was lost")):
        below = end["value"] - part * (end["value"] - end["low"])
        tables.metrics.loc[third, ["value", "low", "high"]] = [below, below - 0.01, below + 0.01]
        words = general_words(tables)
        assert (said in words) if said else "lowest" not in words
