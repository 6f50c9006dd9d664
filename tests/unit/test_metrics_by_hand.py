"""lethe metrics MATRIX.csv on files of a user's own."""

import argparse
import json

import pytest

from lethe.commands import metrics as by_hand
from lethe.errors import UserError

MATRIX = "stage,simp,emdg,exp\n0,.1,.2,.1\n1,.8,.3,.2\n2,.6,.7,.1\n3,.5,.6,.9\n"
GENERAL = "stage,mmlu,boolq\n0,.4,.8\n1,.3,.8\n2,.2,.6\n3,.2,.6\n"


@pytest.fixture
def metrics(tmp_path, capsys):
    """Runs the command on CSV texts; returns what it prints."""

    def run(matrix=MATRIX, *flags, **files):
        (tmp_path / "matrix.csv").write_text(matrix)
        words = [str(tmp_path / "matrix.csv"), *flags]
        for flag, text in files.items():
            (tmp_path / f"{flag}.csv").write_text(text)
            words += [f"--{flag}", str(tmp_path / f"{flag}.csv")]
        parser = argparse.ArgumentParser()
        by_hand.add_arguments(parser)
        by_hand.run(parser.parse_args(words))
        return capsys.readouterr().out

    return run


def as_json(text):
    return {entry["id"]: entry for entry in json.loads(text)["metrics"]}


def test_all_metrics_of_a_task_matrix_are_printed_and_the_others_say_what_they_need(metrics):
    text = metrics()
    assert "fr_ke            0.2000" in text
    assert "fg_luo: needs --general" in text
    assert "joint_gap: needs --joint" in text
    assert "No intervals" in text


def test_general_scores_add_the_general_metrics(metrics):
    found = as_json(metrics(MATRIX, "--json", "--chance", "mmlu=0.25,boolq=0.5", general=GENERAL))
    drops = [(0.1 + 0.2 + 0.2) / 3 / 0.4, (0 + 0.2 + 0.2) / 3 / 0.8]
    assert found["fg_luo"]["value"] == pytest.approx(100 * sum(drops) / 2)
    assert found["drop_points"]["value"] == pytest.approx(20)
    assert found["fg_chance"]["value"] > found["fg_luo"]["value"]


def test_scores_in_percent_give_the_same_drop_in_points(metrics):
    percent = "stage,mmlu\n0,40\n1,30\n2,20\n3,20\n"
    assert as_json(metrics(MATRIX, "--json", general=percent))["drop_points"]["value"] == 20


def test_few_items_put_a_base_near_chance_at_floor(metrics):
    general = "stage,mmlu\n0,.3\n1,.25\n2,.25\n3,.25\n"
    flags = ("--json", "--chance", "0.25", "--items")
    few = as_json(metrics(MATRIX, *flags, "100", general=general))["fg_chance"]
    many = as_json(metrics(MATRIX, *flags, "10000", general=general))["fg_chance"]
    assert few["value"] is None and "at floor" in few["note"]
    assert many["value"] == pytest.approx(100)


def test_references_add_the_metrics_that_need_them(metrics):
    row = "reference,simp,emdg,exp\nx,.9,.9,.9\n"
    found = as_json(metrics(MATRIX, "--json", single=row, joint=row, loss=MATRIX))
    assert found["one_gap"]["value"] == pytest.approx(-0.1)
    assert found["joint_gap"]["value"] == pytest.approx(0.9 - 2 / 3)
    assert found["mlm_loss_delta"]["value"] == pytest.approx(-0.2)


def test_a_missing_cell_leaves_out_only_the_metrics_that_read_it(metrics):
    found = as_json(metrics(MATRIX.replace("2,.6,.7,.1", "2,,.7,.1"), "--json"))
    assert found["fr_ke"]["value"] == pytest.approx(0.2)
    assert found["aia"]["value"] is None
    assert found["aia"]["note"] == "the cell (stage 2, simp) is missing"


def test_one_task_has_no_transfer(metrics):
    found = as_json(metrics("stage,simp\nbase,.1\nsimp,.9\n", "--json"))
    assert found["bwt_gem"]["value"] is None
    assert found["bwt_gem"]["note"] == "not defined for a single task"
    assert found["acc"]["value"] == 0.9


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (
            MATRIX.replace(".7", "x7"),
            r"row 3 \('2'\), column 'emdg': expected a number, found 'x7'",
        ),
        (MATRIX.replace(".7", "nan"), "expected a number, found 'nan'"),
        (MATRIX.replace(".7", "inf"), "expected a number, found 'inf'"),
        (MATRIX.replace("0,.1,.2,.1\n", ""), "first row to be stage 0, the base model, found sta"),
        (MATRIX + "4,1,1,1\n", "expected 4 rows .* found 5"),
        (MATRIX.replace("0,.1,.2,.1\n", "").replace("1,", "s,"), "expected 4 rows .* found 3"),
        (MATRIX.replace("3,.5,.6,.9", "3,.5,.6"), r"row 4 \('3'\) has 2 scores, expected 3"),
        (MATRIX.replace("exp", "simp"), "'simp' is empty or occurs twice"),
        (MATRIX.replace("\n2,", "\n5,"), "stages 0 to 3 in order, found 0, 1, 5, 3"),
        ("", "expected a header"),
    ],
)
def test_a_file_that_is_no_matrix_is_one_sentence(metrics, matrix, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        metrics(matrix)
    assert "\n" not in str(error.value)


def test_other_bad_input_is_one_sentence(metrics, tmp_path):
    with pytest.raises(UserError, match="expected 4 rows, one per stage from 0"):
        metrics(general=GENERAL.replace("3,.2,.6\n", ""))
    with pytest.raises(UserError, match="no level for 'boolq'"):
        metrics(MATRIX, "--chance", "mmlu=.25", general=GENERAL)
    with pytest.raises(UserError, match="'mmli' is not a column"):
        metrics(MATRIX, "--chance", "mmli=.25", general=GENERAL)
    with pytest.raises(UserError, match="belong to --general"):
        metrics(MATRIX, "--chance", ".25")
    with pytest.raises(UserError, match="expected the columns"):
        metrics(joint="x,simp\nj,.5\n")
    with pytest.raises(UserError, match="there is no such file"):
        by_hand.read_matrix(str(tmp_path / "none.csv"))
