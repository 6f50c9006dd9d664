"""Precision of claims: half-widths, the n that they ask for, and nothing of the effects."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from end_task_scores import losses_of
from test_claims_methods import WORLDS, cloze_of

from lethe.artefacts.paths import PACKAGE
from lethe.claims.cells import Cell, Question
from lethe.claims.precision import precision_table, summary, worth_of_cloze
from lethe.claims.verdicts import judge
from lethe.cli import main
from lethe.commands.precision import on_dev
from lethe.longtables.tables import METRIC_COLUMNS, LongTables
from lethe.metrics.subjects import study_subjects

KEPT = PACKAGE.parents[1] / "results" / "reference" / "mini-rates-ke"
ASKED = Question(
    "K", "cloze", "method_difference", "cloze_final", ("domain",), "bases", 5.0, half_width=2.5
)


def table(*effects, asked=ASKED, bound=""):
    cells = [
        (asked, Cell(f"m{place}", "domain", dict(enumerate(map(float, each))), bound=bound))
        for place, each in enumerate(effects)
    ]
    return precision_table(judge(cells))


def test_the_half_width_and_the_n_that_meets_it_are_worked_numbers():
    """sd 2, n 5: 2.776 * 2 / sqrt(5) = 2.48; sd 4: 4.97, and 13 are the fewest below 2.5."""
    narrow = np.array([-1.0, -1, 0, 1, 1]) * 2 + 30
    wide = 2 * (narrow - 30)
    (one, other) = table(narrow, wide).frame.to_dict("records")
    assert one["spread"] == pytest.approx(2.0) and one["half_width"] == pytest.approx(
        2.4833, abs=1e-4
    )
    assert (one["met"], other["met"]) == ("yes", "no")
    assert one["n_expected"] == 5
    n = other["n_expected"]
    t = {12: 2.2010, 13: 2.1788}
    assert n == 13 and t[13] * 4 / math.sqrt(13) <= 2.5 < t[12] * 4 / math.sqrt(12)
    assert other["n_careful"] > n


def test_nothing_of_the_table_tells_an_effect_or_its_sign():
    values = np.array([1.0, 2, 4, 8])
    shifted = table(values + 50, asked=ASKED).frame
    turned = table(-values, asked=ASKED).frame
    pd.testing.assert_frame_equal(shifted, turned)


def test_what_cannot_be_tested_asks_for_no_n():
    (row,) = table([1, 2, 4], bound="das did not learn").frame.to_dict("records")
    assert row["met"] == "" and pd.isna(row["n_expected"]) and row["note"] == "not testable here"


def test_one_sentence_says_whether_there_are_units_enough():
    assert summary(table([1, 2, 1, 2])).startswith("All 1 declared half-widths are met")
    text = summary(table([0, 4, 8, 4, 4], [1, 2, 1, 2]))
    assert text.startswith("1 of 2 declared half-widths are met. All are expected with ")
    assert "Three units or more are needed" in summary(table([1, 2]))
    assert "No comparison has a declared half-width" in summary(table())


def test_points_of_cloze_are_worth_what_plain_training_lost_in_nats_for_them():
    """60 points learned at 2.4 nats, 30 forgotten at 1.5: 5 points are 0.2 and 0.25 nats."""
    plain = [("sequential", "ab", world) for world in WORLDS]
    cloze = cloze_of({run: (35, 95, 65) for run in plain})
    losses = losses_of({run: (3.1, 0.7, 2.2) for run in plain})
    scores = pd.concat([cloze, losses], ignore_index=True)
    subjects = study_subjects(LongTables(scores, pd.DataFrame(columns=METRIC_COLUMNS)))
    learned, forgotten = worth_of_cloze(subjects, 5.0)
    assert "cloze learned go with 0.20 nats of loss [0.20, 0.20] over 4 runs" in learned
    assert "cloze forgotten go with 0.25 nats of loss" in forgotten
    kept = cloze_of({run: (35, 95, 95) for run in plain})
    subjects = study_subjects(
        LongTables(pd.concat([kept, losses]), pd.DataFrame(columns=METRIC_COLUMNS))
    )
    assert len(worth_of_cloze(subjects, 5.0)) == 1


def test_dev_scores_take_the_place_of_those_on_test_sets():
    rows = [
        ("cloze", "cloze_a", "dev", 0.9), ("cloze", "cloze_a", "test", 0.1),
        ("end_task", "a", "dev", 0.8), ("end_task", "a", "test", 0.2),
        ("end_task", "b-dev", "test", 0.7),
    ]  # fmt: skip
    found = on_dev(pd.DataFrame(rows, columns=["kind", "probe", "split", "value"]))
    assert set(found["split"]) == {"test"}
    assert found["value"].tolist() == [0.9, 0.8, 0.7]


@pytest.mark.slow
def test_the_verb_reads_a_kept_study_and_claims_by_name(capsys):
    arguments = ["precision", str(KEPT), "--claims", "K1-equal"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "| K1-equal | loss | das - sequential-das-rate" in printed and "verdict" not in printed
    assert main([*arguments, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["summary"] in printed and said["claims"]
    assert all(sentence in printed for sentence in said["cloze"])
    assert main([*arguments[:-1], "K1-equl"]) == 2
    assert "'K1-equl' is not known; did you mean 'K1-equal'" in capsys.readouterr().err
