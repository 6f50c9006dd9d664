"""The table of domains: own, final and forgotten by method, intervals, floors and ceilings."""

import numpy as np
import pandas as pd
import pytest
from domain_study import BASE, WORLDS, domain_scores, domain_tables, with_items
from end_task_scores import clozes_of, losses_of, scores_of
from synthetic_study import typed

from lethe.claims.bounds import at_bound
from lethe.claims.cells import Question
from lethe.longtables.tables import METRIC_COLUMNS, LongTables
from lethe.metrics.end_tasks import ALONE
from lethe.metrics.intervals import interval_of_units, t_interval
from lethe.metrics.study import study_metrics
from lethe.metrics.subjects import study_subjects
from lethe.tables.domains import build
from lethe.tables.writing import readable

CELLS = {
    ("das", "ab", 1): (30, 90, 70, 94),
    ("das", "ab", 2): (32, 92, 76, 93),
    ("das", "ab", 3): (31, 94, 79, 91),
    ("adapter", "ab", 1): (30, 33, 34, 35),
    ("kd", "ab", 1): (30, 99, 99, 99),
}
LOSSES = {("das", "ab", 1): (2.0, 0.8, 1.9), ("adapter", "ab", 1): (2.0, 2.1, 2.0)}


def built(*frames: pd.DataFrame) -> pd.DataFrame:
    scores = pd.concat(frames, ignore_index=True)
    return build(LongTables(scores, pd.DataFrame())).frame.set_index("method")


@pytest.mark.parametrize(("measure", "table"), [("f1", scores_of), ("cloze", clozes_of)])
def test_numbers_are_means_over_worlds_with_student_s_intervals(measure, table):
    row = built(table(CELLS)).loc["das"]
    # Forgotten of a, the earlier domain; b's own is its final score.
    worlds = {"own": [92, 92.5, 92.5], "final": [82, 84.5, 85], "forgotten": [20, 16, 15]}
    for part, values in worlds.items():
        ends = [f"{measure}_{part}{end}" for end in ("", "_low", "_high")]
        assert row[ends].tolist() == pytest.approx([np.mean(values), *t_interval(values)])
    assert row["interval_over"] == "3 worlds"


def test_a_row_at_floor_or_ceiling_is_marked_and_others_are_not():
    notes = built(scores_of(CELLS), clozes_of(CELLS), losses_of(LOSSES))["note"]
    assert notes["adapter"] == "F1, cloze, loss at floor"
    assert notes["kd"] == "F1, cloze at ceiling"
    assert notes["das"] == "" and notes["none"] == ""
    # As little learned, but away from chance: the method can still forget what it had.
    away = {("adapter", "ab", 1): (60, 63, 64, 65)}
    assert built(clozes_of(away))["note"]["adapter"] == ""


@pytest.mark.parametrize(
    ("cells", "is_bound"),
    [
        ((30, 90, 70, 94), False),
        ((30, 33, 34, 35), True),
        # What is left is at chance.
        ((30, 90, 36, 37), True),
        # More is learned than ten points, and it is at chance all the same.
        ((20, 36, 34, 37), True),
        # Little is learned by a base that knows something.
        ((60, 63, 64, 65), False),
        ((38, 47, 60, 46), True),
    ],
)
def test_tables_and_claims_have_one_rule_of_the_floor(cells, is_bound):
    runs = {("das", "ab", 1): cells}
    scores = pd.concat([scores_of(runs), clozes_of(runs)], ignore_index=True)
    expected = "F1, cloze at floor" if is_bound else ""
    assert built(scores)["note"]["das"] == expected
    metrics = pd.DataFrame(columns=METRIC_COLUMNS)
    (subject,) = study_subjects(LongTables(scores, metrics))
    for metric, axis in (("f1_final", "end_task"), ("cloze_final", "domain")):
        asked = Question("K", "p", "method_value", metric, (axis,), "bases", 1.0)
        assert bool(at_bound([(subject, "das")], asked, axis)) == is_bound


def test_the_base_is_a_row_of_its_own_and_a_loss_that_rises_is_forgotten():
    frame = built(clozes_of(CELLS), losses_of(LOSSES))
    assert frame.loc["none", "cloze_final"] == pytest.approx(31)
    assert np.isnan(frame.loc["none", "cloze_own"])
    assert frame.loc["das", "loss_forgotten"] == pytest.approx(1.1)
    assert "f1_own" not in readable(build(domain_without_f1())).columns


def domain_without_f1() -> LongTables:
    return LongTables(clozes_of(CELLS), pd.DataFrame())


def test_domains_alone_are_one_row_each_on_its_own_model():
    cells = scores_of({("sequential", "ab", 1): (30, 90, 70, 94)})
    alone = []
    for frame in (cells, clozes_of({("sequential", "ab", 1): (30, 90, 70, 94)})):
        for domain in "ab":
            part = frame[frame["stage_index"].lt(2)].assign(order=f"only-{domain}")
            stage = part["stage_index"].eq(1)
            part = part.assign(stage_task=part["stage_task"].mask(stage, domain))
            other = part[stage].iloc[0].to_dict()
            mine = f"cloze_{domain}" if other["kind"] == "cloze" else f"task_{domain}"
            base = part[~stage]
            rows = part[stage].assign(probe=mine, value={"a": 0.97, "b": 0.91}[domain])
            if other["kind"] == "end_task":
                rows = rows.assign(subset=domain)
            alone += [base, rows]
    frame = pd.concat([cells, *alone], ignore_index=True)
    table = build(LongTables(frame, pd.DataFrame())).frame
    row = table[table["order"] == ALONE].iloc[0]
    assert row["cloze_own"] == row["cloze_final"] == pytest.approx(94)
    assert row["f1_own"] == pytest.approx(94) and np.isnan(row["f1_forgotten"])


def test_a_single_run_has_intervals_over_stems():
    made = domain_scores(methods=["sequential"], worlds=WORLDS[:1], rates=(1e-3,))
    scores, items = with_items(made)
    scores, _ = typed(scores, next(iter(items.values())))
    metrics = study_metrics(scores, items, seed=1, resamples=200)
    tables = LongTables(scores, metrics).parted()
    row = build(tables).frame.set_index("method").loc["sequential"]
    assert row["interval_over"] == "stems (losses: texts)"
    losses = tables.scores[tables.scores["kind"].ne("cloze")]
    of_losses = study_metrics(losses, items, seed=1, resamples=200)
    found = build(LongTables(losses, of_losses).parted()).frame.set_index("method")
    assert found.loc["sequential", "interval_over"] == "texts"
    assert row["cloze_forgotten_low"] < row["cloze_forgotten"] < row["cloze_forgotten_high"]
    assert np.isnan(row["f1_own_low"])


def test_several_recipes_are_rows_by_name_and_reference_chains_are_none():
    frame = build(domain_tables(domain_scores(worlds=WORLDS))).frame
    assert len(frame) == 1 + 9
    assert set(frame["method"].str.extract(r"\((.*)\)")[0].dropna()) == {
        "rate-0", "rate-1", "rate-2"
    }  # fmt: skip
    assert frame["cloze_own"].dropna().min() == pytest.approx(100 * BASE)
    nothing = build(LongTables(scores_of(CELLS).iloc[:0], pd.DataFrame()))
    assert "no end tasks" in readable(nothing).to_string()


def test_units_without_a_spread_have_no_interval_and_others_student_s():
    # 0.1 + 0.2 is not quite 0.3: sums in another order are no spread.
    for alike in ([1.0, 1.0, 1.0], [0.3, 0.1 + 0.2, 0.3]):
        assert np.isnan(interval_of_units(alike)).all()
    assert interval_of_units([1.0, 2.0, 3.0]) == t_interval([1.0, 2.0, 3.0])
    assert np.isnan(interval_of_units([])).all()
