"""Tables of methods by end tasks on numbers set by hand: tests, ties, ablations, orders."""

import numpy as np
import pandas as pd
import pytest
from end_task_scores import scores_of

from lethe.longtables.tables import LongTables
from lethe.metrics.comparisons import holm, paired_difference
from lethe.tables import ablation, end_task_methods, end_task_tests, end_tasks, orders
from lethe.tables.latex import latex
from lethe.tables.writing import Table, markdown

# Tables of many runs, with tests resampled for each pair.
pytestmark = pytest.mark.slow

TABLES = {
    "end_tasks": end_tasks,
    "end_task_methods": end_task_methods,
    "end_task_tests": end_task_tests,
    "ablation": ablation,
    "orders": orders,
}
WORLDS = (1, 2, 3, 4)
# Final scores a run; worlds differ by far more than methods do.
EASE = np.array([0.0, 10.0, 20.0, 30.0])
FINAL = {
    "sequential": EASE + 40,
    "das": EASE + 46 + np.array([0.0, 1.0, 2.0, 3.0]),
    "das-no-mask": EASE + 46 + np.array([1.0, 0.0, 3.0, 2.0]),
    "das-released": EASE + 41 + np.array([0.0, 1.0, 1.0, 0.0]),
}


def built(name: str, runs: dict) -> Table:
    return TABLES[name].build(LongTables(scores_of(runs), pd.DataFrame()))


def four(methods=tuple(FINAL), worlds=WORLDS) -> dict:
    runs = {
        (method, "ab", world): (30, final + 5, final, final)
        for method in methods
        for world, final in zip(WORLDS, FINAL[method], strict=True)
        if world in worlds
    }
    return runs | {("sequential", "pool", world): (30, 0, 99, 99) for world in worlds}


def row_of(table: Table, **words) -> pd.Series:
    frame = table.frame
    for column, word in words.items():
        frame = frame[frame[column] == word]
    assert len(frame) == 1
    return frame.iloc[0]


def bold(table: Table, column: str) -> set[str]:
    return {table.frame["method"][row] for row, name in table.bold if name == column}


def test_a_paired_test_is_of_the_differences_by_run():
    table = built("end_task_tests", four())
    row = row_of(table, method="das", against="sequential")
    expected = paired_difference(FINAL["das"], FINAL["sequential"])
    assert row["f1_final"] == pytest.approx(7.5) and row["n"] == 4 and row["over"] == "runs"
    assert row["f1_final_low"] == pytest.approx(expected.low)
    # All four differences are positive: 2 of 16 sign patterns are as far from zero.
    assert row["f1_final_p"] == pytest.approx(2 / 16)
    assert row["f1_final_p_t"] == pytest.approx(expected.p_t)
    assert row["f1_fr_ke"] == pytest.approx(0, abs=1e-9)


def test_holm_is_over_all_rows_of_a_column():
    frame = built("end_task_tests", four()).frame
    assert len(frame) == 5 and not set(frame["order"]) - {"ab"}
    np.testing.assert_allclose(frame["f1_final_p_holm"], holm(frame["f1_final_p_t"]))
    pairs = set(frame[["method", "against"]].itertuples(index=False, name=None))
    assert ("das", "sequential") in pairs and ("sequential", "das") not in pairs
    assert ("das-no-mask", "das") in pairs and ("das-no-mask", "sequential") in pairs


def test_train_seeds_of_one_base_are_one_pair():
    runs = {
        (method, "ab", world, train): (30, 50, 50 + shift * world + train, 50)
        for method, shift in (("sequential", 0), ("das", 2))
        for world in (1, 2, 3)
        for train in (0, 1)
    }
    row = built("end_task_tests", runs).frame.iloc[0]
    assert row["n"] == 3 and row["f1_final"] == pytest.approx(2)


def test_bold_are_the_best_and_all_that_are_tied_with_it():
    """das-no-mask differs from das by 1, -1, 1, -1; das-released by 5, 5, 6, 8; pool is apart."""
    for name in ("end_tasks", "end_task_methods"):
        table = built(name, four())
        assert bold(table, "f1_final") == bold(table, "acc_final") == {"das", "das-no-mask"}
        orders_of_bold = {table.frame["order"][row] for row, _ in table.bold}
        assert orders_of_bold == {"ab"}


def test_the_best_rate_of_forgetting_is_the_lowest():
    runs = {
        (method, "ab", world): (30, 50 + rate + world / 10, 50, 50)
        for method, rate in (("sequential", 8), ("das", 2))
        for world in (1, 2, 3)
    }
    assert bold(built("end_task_methods", runs), "f1_fr_ke") == {"das"}


def test_a_line_is_at_floor_only_where_the_floor_is_known():
    """Own scores four points above the base's, which are 70, or 30 at a chance of a third."""
    for base, chance, note in ((70, None, ""), (70, 1 / 3, ""), (30, 1 / 3, "at floor")):
        runs = {("das", "ab", world): (base, base + 4, base + 2, base + 4) for world in WORLDS}
        scores = scores_of(runs)
        scores = scores if chance is None else scores.assign(chance=chance)
        table = end_task_methods.build(LongTables(scores, pd.DataFrame()))
        assert row_of(table, method="das")["note"] == note


def test_intervals_end_where_scores_do_and_those_that_do_are_shown_by_their_ends():
    """Three of four worlds are at 100: Student's t alone would reach to 102."""
    finals = dict(zip(WORLDS, (100, 100, 100, 92), strict=True))
    runs = {("das", "ab", world): (30, 95, final, 100) for world, final in finals.items()}
    runs |= {("sequential", "ab", world): (30, 60 + world, 50 + world, 60) for world in WORLDS}
    table = built("end_task_methods", runs)
    row = row_of(table, method="das")
    values = [(final + 100) / 2 for final in finals.values()]
    assert row["f1_final_high"] == 100 and row["f1_final"] == pytest.approx(np.mean(values))
    shown = markdown(table)
    assert f"{np.mean(values):.1f} [{row['f1_final_low']:.1f}, 100.0]" in shown
    assert " ± " in shown


@pytest.mark.parametrize("worlds", [(1,), (1, 2)])
def test_nothing_is_bold_with_fewer_than_three_runs(worlds):
    assert built("end_task_methods", four(worlds=worlds)).bold == frozenset()


def test_bold_and_half_intervals_in_both_forms():
    table = built("end_task_methods", four())
    text, tex = markdown(table), latex(table)
    das = next(line for line in text.splitlines() if line.startswith("| das "))
    half = row_of(table, method="das")["f1_final_high"] - row_of(table, method="das")["f1_final"]
    assert f"**62.5 ± {half:.1f}**" in das
    assert rf"\textbf{{62.5}} {{\fontsize{{6}}{{7}}\selectfont $\pm$ {half:.1f}}}" in tex
    assert "f1_final_low" not in text and "f1_final_low" in table.frame


def test_an_ablation_is_compared_with_das_and_worded():
    table = built("ablation", four())
    assert list(table.frame["method"]) == ["das", "das-no-mask", "das-released"]
    masked = row_of(table, method="das-no-mask")
    assert masked["finding"] == "das-no-mask against das: no difference shown"
    assert masked["f1_final_difference"] == pytest.approx(0)
    released = row_of(table, method="das-released")
    assert released["f1_final_difference"] == pytest.approx(-6)
    assert released["finding"] == "released code against paper: below"
    das = row_of(table, method="das")
    assert np.isnan(das["f1_final_difference"]) and das["finding"] == "" and das["n"] == 4


def test_an_ablation_without_das_or_runs_is_missing_or_too_few():
    alone = built("ablation", four(("das-no-mask",))).frame.iloc[0]
    assert alone["finding"] == "das-no-mask against das: missing"
    few = row_of(built("ablation", four(worlds=(1, 2))), method="das-released")
    assert few["finding"] == "released code against paper: -5.0, too few pairs to tell"
    none = built("ablation", four(("sequential", "das"))).frame
    assert list(none["finding"]) == ["the study has no ablation of das"]


def test_orders_are_columns_and_the_average_is_within_runs():
    runs = {
        ("sequential", order, world): (30, 50, value + sign * world, value + sign * world)
        for order, value, sign in (("ab", 50, 1), ("ba", 60, -1))
        for world in (1, 2, 3)
    }
    runs |= {("das", "ab", world): (30, 40, 40, 40) for world in (1, 2, 3)}
    table = built("orders", runs | {("sequential", "pool", 1): (30, 0, 99, 99)})
    row = row_of(table, method="sequential", metric="f1_final")
    assert row["ab"] == pytest.approx(52) and row["ba"] == pytest.approx(58)
    # What worlds add on one order they take on the other: without a spread there is no interval.
    assert row["average"] == pytest.approx(55) and np.isnan(row["average_high"])
    assert row["ab_high"] > 54 and row["range"] == pytest.approx(6)
    das = next(line for line in markdown(table).splitlines() if line.startswith("| das "))
    assert das.count("missing") == 3 and "pool" not in table.frame


@pytest.mark.parametrize("name", TABLES)
def test_a_study_without_end_tasks_has_the_table_and_it_says_so(name):
    scores = scores_of(four()).iloc[:0]
    frame = TABLES[name].build(LongTables(scores, pd.DataFrame())).frame
    assert len(frame) == 1 and frame["note"][0]


@pytest.mark.parametrize("name", TABLES)
def test_a_run_that_is_not_scored_after_its_last_stage_is_no_number(name):
    scores = scores_of(four())
    lost = (scores["method"] == "das") & (scores["stage_index"] == 2)
    lost &= (scores["probe"] == "task_b") & (scores["world_seed"] == 1)
    table = TABLES[name].build(LongTables(scores[~lost], pd.DataFrame()))
    text = markdown(table)
    assert "nan" not in text
    if name == "end_task_tests":
        assert row_of(table, method="das", against="sequential")["n"] == 3
    if name == "end_task_methods":
        assert row_of(table, method="das")["interval_over"] == "3 of 4 runs"
