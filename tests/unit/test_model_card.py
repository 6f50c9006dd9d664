"""A checkpoint's card has the numbers of the metrics table, and marks nothing up by its names."""

import re

import pandas as pd
import pytest
from report_case import reported, two_methods

from lethe.errors import UserError
from lethe.report.card import card


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card") / "small"
    return reported(folder, *two_methods(seeds=(0,), other="a`b|<i>c"))


def last_of(study, method: str) -> str:
    scores = study.tables.scores
    rows = scores[(scores["method"] == method) & (scores["stage_index"] == 2)]
    return str(rows["node"].iloc[0])


def test_scores_of_base_and_checkpoint_are_those_of_the_metrics_table(study):
    text = card(study, last_of(study, "sequential"))
    metrics = study.tables.metrics
    for probe in ("know_nature", "own_simp"):
        rows = metrics[(metrics["probe"] == probe) & (metrics["method"] == "sequential")]
        rows = rows[rows["metric"].str.startswith("score_") & (rows["subset"] == "")]
        by_stage = rows.set_index("stage_index")["value"]
        cells = next(line for line in text.splitlines() if f"| {probe} " in line).split("|")
        assert cells[4].split()[0] == f"{by_stage[0]:.2f}"
        assert cells[5].split()[0] == f"{by_stage[2]:.2f}"
        assert float(cells[6]) == pytest.approx(by_stage[2] - by_stage[0], abs=0.0051)


def test_it_says_what_the_checkpoint_is(study):
    text = card(study, last_of(study, "sequential"))
    assert "decoder-xs (decoder, 183 k parameters) after stage 2 of 2 of the order forward" in text
    assert "Tasks so far: simp → hgen." in text and "Seeds: world 100, base 0, training 0." in text
    base = study.tables.scores["node"].iloc[0]
    assert "before any stage" in card(study, str(base))


def test_its_warnings_are_of_its_own_chain(study, monkeypatch):
    rows = [
        {"kind": kind, "model": "decoder-xs", "method": method, "order": order, "runs": 1, "of": 1,
         "what": "told"}
        for kind, method, order in (
            ("of both", "", ""), ("mine", "sequential", "forward"), ("other", "a`b|<i>c", "forward")
        )
    ]  # fmt: skip
    monkeypatch.setitem(study.__dict__, "warnings", pd.DataFrame(rows))
    text = card(study, last_of(study, "sequential"))
    assert "of both (" in text and "mine (" in text and "other (" not in text
    base = card(study, str(study.tables.scores["node"].iloc[0]))
    assert "of both (" in base and "mine (" not in base


def test_a_name_marks_nothing_up(study):
    text = card(study, last_of(study, "a`b|<i>c"))
    assert r"a\`b\|\<i>c" in text
    assert not re.search(r"(?<!\\)<i>", text)


def test_a_checkpoint_may_be_named_by_its_words(study):
    base = study.tables.scores["node"].iloc[0]
    assert card(study, "decoder-xs/base@0") == card(study, base)
    assert card(study, "sequential/2") == card(study, last_of(study, "sequential"))


def test_what_is_no_checkpoint_of_the_study_is_answered_with_its_words(study):
    with pytest.raises(UserError, match="no checkpoint 'nope' in .*did you mean decoder-xs/"):
        card(study, "nope")
    with pytest.raises(UserError, match="'decoder-xs' names 5 checkpoints: decoder-xs/base@0"):
        card(study, "decoder-xs")
