"""Outcomes of domains by method and world: worked numbers of F1, cloze and loss."""

import pandas as pd
import pytest
from end_task_scores import clozes_of, losses_of, scores_of

from lethe.metrics.domain_outcomes import outcome, run_outcomes
from lethe.metrics.shown import LINE_COLUMNS

# base, own score of the first domain, final scores of a and b.
CELLS = {
    ("das", "ab", 1): (30, 90, 70, 95),
    ("das", "ab", 2): (32, 92, 76, 93),
    ("sequential", "ab", 1): (30, 94, 50, 97),
}
LOSSES = {("das", "ab", 1): (2.0, 0.8, 1.9), ("sequential", "ab", 1): (2.0, 0.7, 2.5)}
METHOD = LINE_COLUMNS.index("method")


def found(*tables: pd.DataFrame):
    return run_outcomes(pd.concat(tables, ignore_index=True))


def by_method(outcomes, measure, part) -> dict:
    return {line[METHOD]: {seeds[0]: value for seeds, value in units.items()}
            for line, units in outcome(outcomes, measure, part).items()}  # fmt: skip


@pytest.mark.parametrize(("measure", "tables"), [("f1", scores_of), ("cloze", clozes_of)])
def test_own_final_and_forgotten_are_means_over_domains_by_method_and_world(measure, tables):
    outcomes = found(tables(CELLS))
    assert by_method(outcomes, measure, "base")["das"] == pytest.approx({1: 30, 2: 32})
    # Own of b, the last domain, is its final score.
    assert by_method(outcomes, measure, "own")["das"] == pytest.approx({1: 92.5, 2: 92.5})
    assert by_method(outcomes, measure, "final")["das"] == pytest.approx({1: 82.5, 2: 84.5})
    forgotten = by_method(outcomes, measure, "forgotten")
    assert forgotten["das"] == pytest.approx({1: 20, 2: 16})
    assert forgotten["sequential"] == pytest.approx({1: 44})


def test_a_rise_of_loss_is_forgetting_with_the_sign_of_the_others():
    outcomes = found(losses_of(LOSSES), clozes_of(CELLS))
    assert by_method(outcomes, "loss", "forgotten")["das"] == pytest.approx({1: 1.1})
    assert by_method(outcomes, "loss", "own")["das"] == pytest.approx({1: 0.8})
    assert by_method(outcomes, "loss", "final")["das"] == pytest.approx({1: (1.9 + 0.8) / 2})
    assert by_method(outcomes, "cloze", "forgotten")["sequential"] == pytest.approx({1: 44})


def test_a_missing_cell_leaves_out_the_run_and_a_pool_forgets_nothing():
    scores = clozes_of(CELLS)
    gone = (scores["world_seed"] == 2) & (scores["stage_index"] == 2)
    outcomes = found(scores[~(gone & (scores["probe"] == "cloze_a"))])
    assert by_method(outcomes, "cloze", "final")["das"] == pytest.approx({1: 82.5})
    assert by_method(outcomes, "cloze", "own")["das"] == pytest.approx({1: 92.5, 2: 92.5})
    pool = found(clozes_of({("sequential", "pool", 1): (30, 0, 88, 90)}))
    assert by_method(pool, "cloze", "own") == by_method(pool, "cloze", "final")
    assert by_method(pool, "cloze", "final")["sequential"] == pytest.approx({1: 89})
    assert by_method(pool, "cloze", "forgotten") == {}


def test_sets_of_what_no_stage_taught_are_no_outcome():
    general = clozes_of(CELLS).assign(probe="cloze_general", value=0.99)
    with_it = found(clozes_of(CELLS), general)
    assert by_method(with_it, "cloze", "own") == by_method(found(clozes_of(CELLS)), "cloze", "own")
