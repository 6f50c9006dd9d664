"""The table of methods: worked numbers, orders of the same stages, ties, what is not available."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from end_task_scores import scores_of
from synthetic_study import Synthetic, long_tables, synthetic_study, with_gaps

from lethe.longtables.tables import LongTables
from lethe.metrics.intervals import t_interval
from lethe.tables import end_tasks, method_lines, methods
from lethe.tables.method_lines import MethodLine, tied_bests
from lethe.tables.writing import readable

SMALL = Synthetic((("xs", 7),), orders=("forward", "reverse"), items=8, sets_an_axis=2)


def of(frame: pd.DataFrame, **words) -> pd.Series:
    for column, word in words.items():
        frame = frame[frame[column] == word]
    assert len(frame) == 1
    return frame.iloc[0]


def value_of(metrics: pd.DataFrame, metric: str, **words) -> float:
    rows = metrics[(metrics["metric"] == metric) & (metrics["probe"] == "")]
    return float(of(rows, **words)["value"])


@pytest.fixture(scope="module")
def single():
    return long_tables(*synthetic_study(SMALL), changes=False)


@pytest.fixture(scope="module")
def seeds():
    return long_tables(*synthetic_study(replace(SMALL, base_seeds=(0, 1, 2))), changes=False)


def test_orders_of_the_same_stages_are_averaged_and_others_are_not():
    mixed = replace(SMALL, orders=("forward", "reverse", "mixed"))
    frame = methods.build(long_tables(*synthetic_study(mixed), changes=False)).frame
    assert frame["order"].tolist() == ["forward, reverse", "mixed", "control:general"]


@pytest.mark.parametrize("name", ["acc", "la", "aia", "forget_chaudhry", "bwt_gem", "fwt_gem"])
def test_a_number_is_the_mean_of_the_metrics_table_over_orders_in_points(single, name):
    row = of(methods.build(single).frame, order="forward, reverse")
    each = [value_of(single.metrics, name, order=order) for order in ("forward", "reverse")]
    assert row[name] == pytest.approx(100 * np.mean(each))
    ends = single.metrics[(single.metrics["metric"] == name)]
    assert row[f"{name}_low"] == pytest.approx(100 * ends["low"].mean())
    assert row["interval_over"] == "40 items"


def test_forgetting_of_general_ability_is_the_mean_over_its_axes_without_bias(single):
    row = of(methods.build(single).frame, order="control:general")
    axes = ("knowledge", "reasoning", "reading")
    each = [value_of(single.metrics, "fg_luo", order="control:general", axis=a) for a in axes]
    assert row["fg_luo"] == pytest.approx(np.mean(each))
    delta = value_of(single.metrics, "delta_general", order="control:general")
    assert row["delta_general"] == pytest.approx(100 * delta)
    assert np.isnan(row["la"]) and not row["note"]


def test_over_seeds_each_seed_is_first_averaged_over_its_orders(seeds):
    row = of(methods.build(seeds).frame, order="forward, reverse")
    runs = seeds.metrics[
        (seeds.metrics["metric"] == "bwt_gem") & seeds.metrics["base_seed"].notna()
    ]
    by_seed = 100 * runs.groupby("base_seed")["value"].mean()
    assert row["bwt_gem"] == pytest.approx(by_seed.mean())
    assert (row["bwt_gem_low"], row["bwt_gem_high"]) == pytest.approx(t_interval(list(by_seed)))
    assert row["interval_over"] == "3 base seeds"


def test_a_seed_without_one_of_the_orders_leaves_no_value_and_says_so():
    scores, items = synthetic_study(replace(SMALL, base_seeds=(0, 1, 2)))
    absent = (scores["order"] == "reverse") & (scores["base_seed"] == 2)
    row = of(
        methods.build(long_tables(scores[~absent], items, changes=False)).frame,
        order="forward, reverse",
    )
    assert np.isnan(row["acc"]) and "missing: order reverse" in row["note"]


def test_what_is_not_available_is_shown_with_its_reason():
    one = long_tables(
        *synthetic_study(replace(SMALL, orders=("forward",), tasks=("simp",))), changes=False
    )
    table = methods.build(one)
    row = of(table.frame, order="forward")
    assert row["acc"] == row["la"] and np.isnan(row["bwt_gem"])
    assert "bwt_gem, fwt_gem: not defined for one task" in row["note"].replace(
        "forget_chaudhry, ", ""
    )
    assert readable(table)["acc"].str.startswith("-").tolist() == [False, True]
    scores, items = synthetic_study(Synthetic(items=8))
    gaps = methods.build(long_tables(with_gaps(scores), items, changes=False)).frame
    row = of(gaps, model="decoder-xs", order="forward, reverse")
    assert "the cell (stage 3, own_emdg) is missing" in row["note"]


def test_a_reason_that_sets_and_seeds_share_is_given_once():
    note = "at floor: a; fewer than 8 clusters; at floor: b; fewer than 8 clusters"
    rows = pd.DataFrame({"metric": ["fg_luo", "la"], "value": np.nan, "note": [note, ""]})
    said = method_lines._reasons(rows)
    assert said == {"fg_luo": "at floor: a; fewer than 8 clusters; at floor: b", "la": "missing"}


def test_end_tasks_have_the_numbers_of_their_own_table_and_reasons_for_those_without_cells():
    runs = {("das", "ab", world): (30, 60 + world, 50, 70) for world in (1, 2, 3)}
    tables = LongTables(scores_of(runs), no_metrics())
    row, theirs = (of(table.build(tables).frame, method="das") for table in (methods, end_tasks))
    assert (row["own_base"], row["acc"], row["la"]) == (30, 60, pytest.approx((62 + 70) / 2))
    assert row["bwt_gem"] == pytest.approx(-theirs["f1_fr_ke"]) == pytest.approx(-12)
    assert row["bwt_gem_high"] == pytest.approx(-theirs["f1_fr_ke_low"])
    # Between their own stage and the last, end tasks need not be scored.
    assert row["forget_chaudhry"] == pytest.approx(12) and np.isnan(row["fwt_gem"])
    assert row["note"] == "fwt_gem: the cell (stage 1, task_b) is missing"
    assert row["interval_over"] == "3 runs"


def test_ways_to_train_a_method_are_told_apart_by_end_tasks_too():
    scores = scores_of({("sequential", "ab", world): (30, 90, 60, 80) for world in (1, 2, 3)})
    lora = scores.assign(parametrisation="lora")
    frame = methods.build(LongTables(pd.concat([scores, lora]), no_metrics())).frame
    assert list(frame["method"]) == ["sequential", "sequential (lora)"]


def no_metrics() -> pd.DataFrame:
    from lethe.longtables.tables import METRIC_COLUMNS

    return pd.DataFrame(columns=METRIC_COLUMNS)


def line(method: str, values: list[float], base: float = 0.0, **more) -> MethodLine:
    """A line whose `acc` has these values by seed; one value comes with an interval of +- 2."""
    mean = float(np.mean(values))
    low, high = (mean - 2, mean + 2) if len(values) == 1 else t_interval(values)
    numbers = {"acc": (mean, low, high), "la": (50.0, 0.0, 0.0), "own_base": (base, 0.0, 0.0)}
    units = {(0, 0, seed): {"acc": value} for seed, value in enumerate(values)}
    words = {"model": "m", "recipe": "r", "orders": ("ab",), "of": "own", "tasks": ("a", "b")}
    return MethodLine(**words | more, method=method, numbers=numbers, units=units, over="")


def tied(lines: list[MethodLine], name: str = "acc") -> set[str]:
    return {lines[place].method for place in tied_bests(lines, name)}


def test_ties_are_told_by_paired_differences_however_far_seeds_are_apart():
    ease = np.array([0.0, 20.0, 40.0])
    best = line("best", list(ease + 10))
    near = line("near", list(ease + np.array([11.0, 9.0, 9.5])))
    behind = line("behind", list(ease + np.array([8.0, 8.1, 7.9])))
    assert tied([behind, near, best]) == {"best", "near"}


def test_with_few_seeds_a_line_is_tied_whose_interval_includes_the_best():
    lines = [line("best", [30.0]), line("near", [28.5]), line("equal", [30.0]), line("far", [27.0])]
    assert tied(lines) == {"best", "near", "equal"}
    # Two seeds have no interval, so nothing tells how much better the best is.
    assert tied([line("best", [30.0, 31.0]), line("near", [30.0, 30.9])]) == set()


def test_nothing_is_best_that_learned_nothing_is_a_control_or_has_no_other_beside_it():
    floor, control = line("floor", [99.0], base=45.0), line("control", [98.0], is_control=True)
    alone = line("alone", [97.0], orders=("ba",))
    assert tied([floor, control, alone, line("a", [30.0])]) == set()
    assert tied([floor, control, alone, line("a", [30.0]), line("b", [20.0])]) == {"a"}


def test_a_score_with_nothing_left_of_what_was_learned_is_not_best_however_wide_its_interval():
    lost, kept = line("lost", [0.0]), line("kept", [19.0])
    lost.numbers.update(acc=(0.0, 0.0, 34.0), la=(30.0, 20.0, 40.0))
    assert tied([lost, kept, line("less", [13.0])]) == {"kept"}
    # What was learned right after a stage is told apart from what is left at the end.
    kept.numbers.update(la=(29.0, 20.0, 40.0))
    assert tied([lost, kept], "la") == {"lost", "kept"}


def test_less_forgetting_is_better():
    few, many = line("few", [30.0]), line("many", [40.0])
    for each in (few, many):
        each.numbers["forget_chaudhry"] = each.numbers["acc"]
    assert tied([few, many], "forget_chaudhry") == {"few"} and tied([few, many]) == {"many"}


def test_recipes_of_one_order_are_lines_of_their_own():
    scores, items = synthetic_study(replace(SMALL, orders=("forward",), control=False))
    faster = scores.assign(recipe="fast", value=scores["value"] * 0.9)
    table = methods.build(long_tables(pd.concat([scores, faster]), items, changes=False))
    assert table.frame["recipe"].tolist() == ["default", "fast"]
    listed = long_tables(pd.concat([faster.assign(recipe="slower"), faster]), items, changes=False)
    assert methods.build(listed).frame["recipe"].tolist() == ["slower", "fast"]
    assert "recipe" in readable(table).columns
    slow, fast = (of(table.frame, recipe=name) for name in ("default", "fast"))
    assert fast["acc"] < slow["acc"] and (0, "acc") in table.bold


def test_a_study_without_own_tasks_says_so(single):
    general = single.scores["axis"] != "own"
    without = LongTables(single.scores[general], single.metrics[single.metrics["axis"] != "own"])
    assert methods.build(without).frame["note"].tolist() == [methods.NOTHING]


def test_costs_are_means_over_orders_and_none_of_chains_trained_elsewhere(single):
    words = single.metrics[single.metrics["order"] == "forward"].iloc[0].to_dict()
    spent = {"steps": 10, "tokens": 100, "flops": 1e12, "seconds": 9, "cpu_seconds": 6}
    rows = [
        words | {"order": order, "stage_index": 1, "stage_task": "simp", "device": "cpu"}
        | {"measure": f"cost.{name}", "value": times * value}
        for order, times in (("forward", 1), ("reverse", 3))
        for name, value in spent.items()
    ]  # fmt: skip
    stages = pd.DataFrame(rows)
    row = of(methods.build(replace(single, stages=stages)).frame, order="forward, reverse")
    assert (row["steps"], row["tokens"], row["seconds"]) == (20, 200, 12)
    assert row["of"] == "CPU time" and row["ratio"] == 1
    # Of short trainings the tenths are shown, of others whole seconds.
    short = stages.assign(value=stages["value"].where(stages["measure"] != "cost.cpu_seconds", 0.1))
    decimals = [methods.build(replace(single, stages=each)).decimals for each in (stages, short)]
    assert [each["seconds"] for each in decimals] == [0, 1]
    assert "peak_mb" not in readable(methods.build(replace(single, stages=stages))).columns
    memory = stages[stages["measure"] == "cost.steps"].assign(measure="cost.peak_memory")
    memory = pd.concat([memory.assign(value=3e6), memory.assign(value=5e6, stage_index=2)])
    both = methods.build(replace(single, stages=pd.concat([stages, memory])))
    assert of(both.frame, order="forward, reverse")["peak_mb"] == 5
    half = methods.build(replace(single, stages=stages[stages["order"] == "forward"])).frame
    assert np.isnan(of(half, order="forward, reverse")["seconds"])


def test_nothing_is_bold_where_plain_training_is_over_other_orders():
    others = [line("replay", [25, 26, 27]), line("ewc", [21, 22, 23])]
    plain = line("sequential", [28, 29, 30], orders=("ab", "ba"))
    assert tied([*others, plain]) == set()
    assert tied([*others, replace(plain, orders=("ab",))]) == {"sequential"}
    assert tied([*others, replace(plain, model="another")]) == {"replay"}
