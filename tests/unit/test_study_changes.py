"""changes.csv: what became of a study's items, held to counting them one by one."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from synthetic_study import Synthetic, synthetic_study, typed, with_choices

from lethe.longtables.change_columns import ESTIMATES
from lethe.metrics.study_changes import study_changes

STUDY = Synthetic(orders=("forward",), tasks=("simp", "exp"), items=40, sets_an_axis=2)
AXES = ("knowledge", "reasoning", "reading")
KEYS = ["model", "base_seed", "order", "stage_index", "probe", "against"]


def changes_of(scores: pd.DataFrame, items: pd.DataFrame, resamples: int = 50) -> pd.DataFrame:
    scores, tables = typed(scores, items)
    return study_changes(scores, with_choices(scores, tables), seed=3, resamples=resamples)


@cache
def made() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A study whose own task simp is answered right or wrong, and exp is graded."""
    scores, items = synthetic_study(STUDY)
    own = items["probe"] == "own_simp"
    right = (items.loc[own, "correct"] > 0.4).astype(float)
    items.loc[own, "correct"] = items.loc[own, "value_sari"] = right
    return scores, items


@cache
def changes() -> pd.DataFrame:
    return changes_of(*made())


def naive(before: dict, after: dict, k: float) -> dict[str, float]:
    """Counts and estimates, item by item, from the formulas of the manual."""
    ids = sorted(before)
    n = len(ids)
    shares = {"kept": 0, "lost": 0, "regained": 0, "never": 0}
    for item in ids:
        if before[item]:
            shares["kept" if after[item] else "lost"] += 1 / n
        else:
            shares["regained" if after[item] else "never"] += 1 / n
    a0, ai = sum(before.values()) / n, sum(after.values()) / n
    by_chance = (1 - a0) * (1 - ai) / (k - 1)
    shares["lost_r0"] = k / (k - 1) * (shares["lost"] - shares["never"] / (k - 1))
    shares["lost_r1"] = k / (k - 1) * shares["lost"]
    shares["regained_r0"] = k / (k - 1) * (shares["regained"] - shares["never"] / (k - 1))
    shares["regained_r1"] = k / (k - 1) * shares["regained"]
    shares["knew"] = (k * a0 - 1) / (k - 1)
    shares["forgetting_adjusted"] = max(shares["lost"] - by_chance, 0)
    shares["transfer_adjusted"] = max(shares["regained"] - by_chance, 0)
    return shares


def test_every_number_agrees_with_counting_items_one_by_one():
    scores, items = made()
    nodes = scores.drop_duplicates(["model", "base_seed", "order", "stage_index"])
    node = nodes.set_index(["model", "base_seed", "order", "stage_index"])["node"]
    right = {
        key: dict(zip(rows["item_id"], rows["correct"], strict=True))
        for key, rows in items.groupby(["node", "probe"])
    }
    rows = changes()
    rows = rows[rows["axis"].isin(AXES) & (rows["probe"] != "")]
    assert set(rows["against"]) == {"base", "previous"}
    told = 0
    for row in rows.to_dict("records"):
        run = (row["model"], row["base_seed"], row["order"])
        before, after = (node[(*run, row[c])] for c in ("before_index", "stage_index"))
        expected = naive(right[before, row["probe"]], right[after, row["probe"]], row["choices"])
        for name, value in expected.items():
            if name in ("kept", "lost", "regained", "never") or not row["note"]:
                assert row[name] == pytest.approx(value, abs=2e-6), (name, row)
                told += 1
    assert told > 300


def test_a_run_is_compared_with_its_base_the_stage_before_and_the_tasks_own_stage():
    rows = changes()
    own = rows[(rows["probe"] == "own_simp") & (rows["order"] == "forward")]
    assert set(zip(own["against"], own["before_index"], own["stage_index"], strict=True)) == {
        ("base", 0, 1),
        ("base", 0, 2),
        ("previous", 1, 2),
        ("own", 1, 2),
    }
    assert not (rows["axis"] == "bias").any()


def test_graded_answers_have_no_counts_and_say_so():
    graded = changes()[changes()["probe"] == "own_exp"]
    assert graded[["kept", "lost", "knew"]].isna().all(axis=None)
    assert (graded["note"] == "answers are graded, not right or wrong").all()
    right = changes()[changes()["probe"] == "own_simp"]
    assert right["lost"].notna().all() and right["knew"].isna().all()


def test_answers_that_collapse_leave_the_counts_and_take_the_estimates():
    scores, items = made()
    last = items["node"].str.endswith("base-simp+exp") | items["node"].str.endswith("-simp+exp")
    at = last & (items["probe"] == "know_nature")
    collapsed = items.assign(predicted=items["predicted"].mask(at, "B"))
    rows = changes_of(scores, collapsed, 5)
    rows = rows[(rows["probe"] == "know_nature") & (rows["order"] == "forward")]
    final, first = rows[rows["stage_index"] == 2], rows[rows["stage_index"] == 1]
    assert final["lost_r0"].isna().all() and final["lost"].notna().all()
    assert final["note"].str.contains("not identified: answers collapsed after, 100%").all()
    assert (final["commonest"] == "B").all() and (final["commonest_after"] == 1).all()
    assert first["lost_r0"].notna().all() and (first["commonest_after"] == 0.25).all()
    axis = changes_of(scores, collapsed, 5)
    axis = axis[(axis["axis"] == "knowledge") & (axis["probe"] == "") & (axis["stage_index"] == 2)]
    axis = axis[axis["order"] == "forward"]
    assert axis["note"].str.contains("answers collapsed after (know_nature)", regex=False).all()


def test_an_axis_has_the_mean_over_its_sets():
    rows = changes()
    rows = rows[(rows["axis"] == "knowledge") & (rows["against"] == "base")]
    for _, part in rows.groupby(["model", "order", "stage_index"]):
        sets, axis = part[part["probe"] != ""], part[part["probe"] == ""].iloc[0]
        assert len(sets) == 2 and axis["n"] == sets["n"].sum()
        for name in ("kept", "lost", "regained", "never", "drift"):
            assert axis[name] == pytest.approx(sets[name].mean(), abs=2e-6)
        assert axis["lost_low"] <= axis["lost"] <= axis["lost_high"]
        half = np.hypot(*(sets["lost_high"] - sets["lost"])) / 2
        assert axis["lost_high"] - axis["lost"] == pytest.approx(half, abs=2e-6)


def test_the_order_of_items_changes_nothing():
    scores, items = made()
    pd.testing.assert_frame_equal(changes_of(scores, items.sample(frac=1, random_state=1)),
                                  changes())  # fmt: skip


def test_other_names_of_clusters_change_no_estimate_and_hardly_an_interval():
    scores, items = made()
    renamed = items.assign(cluster_id="z" + items["cluster_id"].str[::-1])
    one, other = changes_of(scores, items, 1000), changes_of(scores, renamed, 1000)
    pd.testing.assert_frame_equal(one[ESTIMATES], other[ESTIMATES])
    widths = [table["lost_high"] - table["lost_low"] for table in (one, other)]
    assert (abs(widths[0] - widths[1]) <= 0.15 * widths[0])[widths[0].notna()].all()


def test_seeds_are_averaged_and_compared_with_each_other():
    scores, items = made()
    parts = []
    for seed, rate in ((1, 0.15), (2, 0.3)):
        draw = np.random.default_rng(seed)
        flip = draw.random(len(items)) < rate * (items["probe"] == "know_nature")
        flip &= ~items["node"].str.endswith("base")
        right = (items["correct"] != flip).astype(float).where(flip, items["correct"])
        node = items["node"].where(items["node"].str.endswith("base"), items["node"] + f"-t{seed}")
        again = items.assign(node=node, correct=right)
        again["value_acc"] = again["value_acc"].where(again["value_acc"].isna(), right)
        parts.append(again)
    nodes = scores["node"].where(scores["stage_index"] == 0, scores["node"] + "-t")
    both = [
        scores.assign(
            train_seed=seed, node=nodes.where(scores["stage_index"] == 0, nodes + str(seed))
        )
        for seed in (1, 2)
    ]
    items_of = pd.concat(parts).drop_duplicates(["node", "probe", "item_id"])
    rows = changes_of(pd.concat(both), items_of, 20)
    rows = rows[(rows["probe"] == "know_nature") & (rows["order"] == "forward")]
    rows = rows[(rows["model"] == "decoder-s") & (rows["stage_index"] == 2)]
    single = rows[rows["train_seed"].notna() & (rows["against"] == "base")]
    over = rows[(rows["unit"] == "train seeds") & (rows["against"] == "base")].iloc[0]
    assert len(single) == 2 and over["n_units"] == 2
    assert over["lost"] == pytest.approx(single["lost"].mean(), abs=2e-6)
    assert "an interval needs 3 seeds" in over["note"] and np.isnan(over["lost_low"])
    between = rows[rows["against"] == "seeds"]
    assert len(between) == 1
    table = items_of[items_of["probe"] == "know_nature"].pivot(
        index="item_id", columns="node", values="correct"
    )
    one, other = (table[f"decoder-s-b0-simp+exp-t{seed}"] for seed in (1, 2))
    assert between["lost"].item() == pytest.approx((one != other).mean() / 2, abs=2e-6)


def test_checkpoints_with_other_items_are_not_compared():
    scores, items = made()
    first = items["item_id"] == "know_nature-0000"
    last = items["node"] == "decoder-s-b0-simp"
    renamed = items.assign(item_id=items["item_id"].mask(first & last, "another"))
    rows = changes_of(scores, renamed, 5)
    rows = rows[(rows["probe"] == "know_nature") & (rows["model"] == "decoder-s")]
    rows = rows[(rows["order"] == "forward") & (rows["stage_index"] == 1)]
    assert rows["note"].tolist() == ["not scored on the same items"]
    assert rows["lost"].isna().all() and rows["n"].tolist() == [0]


def test_a_study_without_items_has_no_changes():
    scores, items = made()
    assert not len(changes_of(scores, items[:0]))


def of_axis(rows: pd.DataFrame, stage: int, axis: str) -> pd.Series:
    rows = rows[(rows["model"] == "decoder-s") & (rows["order"] == "forward")]
    rows = rows[(rows["stage_index"] == stage) & (rows["against"] == "base")]
    return rows[(rows["axis"] == axis) & (rows["probe"] == "")].iloc[0]


@pytest.mark.parametrize(
    ("change", "note"),
    [("renamed", "not scored on the same items"), ("gone", "one of the checkpoints has no items")],
)
def test_an_axis_names_the_sets_that_it_leaves_out(change, note):
    scores, items = made()
    last = items["node"] == "decoder-s-b0-simp"
    # One of two sets of knowledge, and all of reading.
    sets = items["probe"].isin(["know_nature", "read_middle", "read_high"])
    if change == "renamed":
        items = items.assign(item_id=items["item_id"].mask(last & sets, "x" + items["item_id"]))
    else:
        items = items[~(last & sets)]
    rows = changes_of(scores, items, 5)
    knowledge, reading = (of_axis(rows, 1, axis) for axis in ("knowledge", "reading"))
    assert (knowledge["sets"], knowledge["n"]) == (1, STUDY.items)
    assert f"{note} (know_nature)" in knowledge["note"]
    assert (reading["sets"], reading["n"], reading["before_index"]) == (0, 0, 0)
    assert np.isnan(reading["lost"])
    assert f"{note} (read_high, read_middle)" in reading["note"]


@pytest.mark.parametrize("missing", ["before", "after"])
def test_one_answer_without_a_value_leaves_its_own_checkpoint_uncounted(missing):
    scores, items = made()
    nodes = {"before": "decoder-s-b0-base", "after": "decoder-s-b0-simp"}
    one = (items["item_id"] == "know_nature-0000") & (items["node"] == nodes[missing])
    without = items.assign(
        correct=items["correct"].mask(one), value_acc=items["value_acc"].mask(one)
    )
    rows, whole = changes_of(scores, without, 5), changes()
    where = (rows["probe"] == "know_nature") & (rows["against"] == "base")
    where &= (rows["model"] == "decoder-s") & (rows["order"] == "forward")
    first = rows[where & (rows["stage_index"] == 1)].iloc[0]
    assert first["note"] == f"items without a value, 1 of {STUDY.items}"
    assert first["sets"] == 0 and np.isnan(first["lost"]) and not np.isnan(first["drift"])
    second = where & (rows["stage_index"] == 2)
    expected = np.nan if missing == "before" else whole.loc[second, "lost"].item()
    assert rows.loc[second, "lost"].item() == pytest.approx(expected, nan_ok=True)


def test_a_set_that_was_not_scored_after_a_stage_is_named_where_it_is_left_out():
    scores, items = made()
    gone = (scores["probe"] == "know_nature") & (scores["node"] == "decoder-s-b0-simp")
    rows = changes_of(scores[~gone], items, 5)
    axis = of_axis(rows, 1, "knowledge")
    assert axis["sets"] == 1 and "one of the checkpoints has no items (know_nature)" in axis["note"]
    assert of_axis(rows, 2, "knowledge")["sets"] == 2


def test_a_mean_over_seeds_lacks_a_stage_that_one_of_them_lacks_and_says_so():
    scores, items = made()
    chain = (scores["model"] == "decoder-s") & (scores["order"] == "forward")
    second = scores[chain & (scores["stage_index"] < 2)].assign(train_seed=1)
    rows = changes_of(pd.concat([scores, second]), items, 5)
    rows = rows[(rows["unit"] == "train seeds") & (rows["against"] == "base")]
    rows = rows[rows["probe"] == "know_nature"].set_index("stage_index")
    assert rows["lost"].isna().to_dict() == {1: False, 2: True}
    assert "missing for a seed" in rows["note"][2]
