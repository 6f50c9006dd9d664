"""A chain scored at the base and after the last stage alone: what is known of it, and no more."""

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, long_tables, synthetic_study
from test_collect import probed

from lethe.figures import evolution
from lethe.longtables.collect import gather
from lethe.longtables.items import ItemsWriter
from lethe.longtables.own_sets import is_own
from lethe.longtables.rows import UNSCORED, mixtures
from lethe.longtables.tables import chains, history, runs
from lethe.report import facts
from lethe.tables import matrix, methods, new_tasks

LAST = 5


def at_the_ends(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of stages 0 and 5, where the latter's names all stages since the base."""
    tasks = scores[scores["stage_index"] > 0].sort_values("stage_index")["stage_task"].unique()
    kept = scores[scores["stage_index"].isin((0, LAST))]
    return kept.assign(
        stage_task=kept["stage_task"].where(kept["stage_index"] == 0, UNSCORED.join(tasks))
    )


@pytest.fixture(scope="module")
def both():
    scores, items = synthetic_study(
        Synthetic(models=(("small", 1000),), orders=("forward",), control=False)
    )
    ends = at_the_ends(scores)
    few = items[items["node"].isin(ends["node"])]
    return long_tables(scores, items), long_tables(ends, few)


def test_a_stage_that_nothing_scored_is_named_with_the_next_one_that_is(tmp_path):
    record = probed(tmp_path, 5)
    record["probes"] |= {"node-001": [], "node-003": []}
    with ItemsWriter(tmp_path / "items", tmp_path / "work") as items:
        rows = gather(record, tmp_path, items)
    assert [row["stage_task"] for row in rows] == ["", "t1 → t2", "t3 → t4"]
    assert [row["stage_index"] for row in rows] == [0, 2, 4]


def test_what_was_taught_is_known_of_both(both):
    whole, ends = both
    (run,) = runs(ends.scores)
    assert history(ends.scores, run) == history(whole.scores, run)
    assert len(set(history(ends.scores, run))) == LAST
    ((one,), (other,)) = (chains(tables.scores) for tables in both)
    assert one.stages == other.stages
    assert other.checkpoints == (one.checkpoints[0], "", "", "", "", one.checkpoints[-1])


def test_the_mean_at_the_end_is_over_all_that_was_taught_and_the_rest_is_not_guessed(both):
    def value(tables, metric):
        rows = tables.metrics[
            (tables.metrics["metric"] == metric) & (tables.metrics["probe"] == "")
        ]
        return rows.iloc[0]

    whole, ends = both
    for metric in ("acc", "delta_general"):
        assert value(ends, metric)["value"] == pytest.approx(value(whole, metric)["value"])
        assert value(ends, metric)["n"] == value(whole, metric)["n"]
    for metric in ("la", "aia", "bwt_gem", "forget_chaudhry"):
        assert np.isnan(value(ends, metric)["value"])
        assert "is missing" in value(ends, metric)["note"]


def test_tables_name_every_task_and_say_once_what_is_missing(both):
    _, ends = both
    assert set(matrix.build(ends).frame["history"]) == {"simp+emdg+inqqg+exp+hgen"}
    row = new_tasks.build(ends).frame.iloc[0]
    finals = [name for name in row.index if name.endswith("_end")]
    assert len(finals) == LAST and row[finals].notna().all()
    note = methods.build(ends).frame["note"].iloc[0]
    assert note.startswith("la, aia, forget_chaudhry, bwt_gem: the cell (stage 1, own_simp) is mis")
    assert "la: la:" not in note and note.count("fg_luo") == 1 and "more" in note


def test_a_curve_has_no_gap_where_nothing_was_scored(both):
    whole, ends = both
    for tables, stages in ((whole, {0, 1, 2, 3, 4, 5}), (ends, {0, 5})):
        plotted = evolution.draw(tables).plotted
        assert set(plotted["stage_index"]) == stages and plotted["value"].notna().all()


def test_a_set_is_of_the_last_stage_of_several_alone():
    """Right after the last of them it was scored, and not right after the others."""
    joined = UNSCORED.join(("simp&general:64", "exp:8"))
    assert mixtures(joined) == ["simp&general:64", "exp:8"]
    assert is_own("own_exp", joined) and not is_own("own_simp", joined)
    # A name of one's own with a plus is one name.
    assert mixtures("sft+dpo") == ["sft+dpo"] and is_own("own_sft+dpo", "sft+dpo")


def test_orders_of_the_same_stages_are_one_line_also_at_the_ends():
    scores, items = synthetic_study(
        Synthetic(models=(("small", 1000),), orders=("forward", "reverse"), control=False)
    )
    ends = pd.concat([at_the_ends(part) for _, part in scores.groupby("order")])
    found = methods.build(long_tables(ends, items[items["node"].isin(ends["node"])])).frame
    assert found["order"].tolist() == ["forward, reverse"]
    assert facts.orders(ends)[0] == "forward (simp → emdg → inqqg → exp → hgen)"
