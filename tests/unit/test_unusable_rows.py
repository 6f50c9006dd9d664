"""Rows of a user's files that cannot be learned, and one file for two splits: told before a run."""

import csv
import re
from pathlib import Path

import pytest

from lethe.cli import main

ROWS = [["prompt", "response"], ["a", "b"], ["c", ""], ["d", "e"]]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, where there are faq_train.csv and faq_test.csv."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def notes(capsys, train: list[list[str]], test: list[list[str]]) -> list[str]:
    """What `check` notes of the files of a study that `init` wrote."""
    for name, rows in (("train", train), ("test", test)):
        with open(f"faq_{name}.csv", "w", newline="") as file:
            csv.writer(file).writerows(rows)
    assert main(["init", "my.yaml", "--model", "a/b", "--train", "faq_train.csv"]) == 0
    capsys.readouterr()
    assert main(["check", "my.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith("Note: sources.faq.files")]


def test_a_row_without_a_response_is_told_with_its_split_and_why(folder, capsys):
    (told,) = notes(capsys, ROWS, [["prompt", "response"], ["x", "y"]])
    assert told == (
        "Note: sources.faq.files.train: 1 of the first 3 rows gives no example and is left out "
        "(1 prompt or response is empty or blank: row 2): faq_train.csv."
    )


def refusal(capsys, train: list[list[str]], old: str = "", new: str = "") -> str:
    """What `check` says of such a study, after `old` in it became `new`."""
    notes(capsys, ROWS, [["prompt", "response"], ["x", "y"]])
    with open("faq_train.csv", "w", newline="") as file:
        csv.writer(file).writerows(train)
    study = Path("my.yaml")
    text = study.read_text()
    assert old in text
    study.write_text(text.replace(old, new))
    assert main(["check", "my.yaml"]) != 0
    return capsys.readouterr().err


def test_a_split_of_which_no_row_is_left_is_refused(folder, capsys):
    said = refusal(capsys, [ROWS[0], *[["a", ""]] * 4])
    assert "sources.faq: the split train has no examples: 4 rows read, left out: 4 prompt" in said
    assert "(faq_train.csv)" in said


def test_more_examples_than_a_small_file_gives_are_refused(folder, capsys):
    said = refusal(capsys, ROWS, "    faq: [faq]", "    faq: ['faq:3']")
    assert "asks for 3 examples of task 'faq', which has 2; lower the count there" in said


def test_a_split_of_which_all_is_held_out_is_refused(folder, capsys):
    held = "loader: generic, parameters: {hold_out: {validation: 2}}"
    said = refusal(capsys, ROWS, "loader: generic", held)
    assert "the split train has no examples: 3 rows read" in said


def test_no_row_beyond_the_first_hundred_is_looked_at(folder, capsys):
    long = [ROWS[0], *[["a", "b"]] * 100, ["c", ""]]
    assert notes(capsys, long, ROWS[:2]) == []


def test_two_splits_of_the_same_content_are_told(folder, capsys):
    (told,) = notes(capsys, ROWS[:2], ROWS[:2])
    assert "train and test have the same content (faq_train.csv and faq_test.csv)" in told


def test_nothing_is_said_of_files_that_are_right(folder, capsys):
    assert notes(capsys, ROWS[:2], [ROWS[0], ROWS[3]]) == []


def test_a_column_that_is_not_read_is_told_and_how_to_teach_it(folder, capsys):
    told = notes(capsys, [["text", "label"], ["good", "1"], ["bad", "0"]], [["text"], ["good"]])
    assert told == [
        "Note: sources.faq.files.train: 'label' is not read, only 'text'; to teach it as an "
        "answer, map it in sources.faq.parameters: `columns: {prompt: 'text', response: 'label'}`, "
        "and ask a test file as own_faq: faq_train.csv."
    ]
    study = Path("my.yaml")
    mapped = "loader: generic, parameters: {columns: {prompt: 'text', response: 'label'}}"
    study.write_text(study.read_text().replace("loader: generic", mapped))
    Path("faq_test.csv").write_text("text,label\ngood,1\n")
    # The held-out texts would now be read as answers alone.
    assert main(["check", "my.yaml"]) == 2
    assert "probes.held-out.tasks.text_faq: expected a source of texts" in capsys.readouterr().err
    asked = "own_faq: {source: faq, axis: own, metric: rouge1}"
    text = study.read_text()
    study.write_text(re.sub(r"text_faq: .*", asked + "}}", text))
    assert main(["check", "my.yaml"]) == 0, study.read_text()
    assert "is not read" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["text", "id"], False),
        (["", "text"], False),
        (["text", "Sentiment"], True),
        (["text", "label", "answer"], False),
    ],
)
def test_only_what_is_named_as_an_answer_is_offered_as_one(folder, capsys, names, hint):
    told = notes(capsys, [names, ["a"] * len(names)], [["text"], ["good"]])
    assert len(told) == 1 and ("to teach it" in told[0]) == hint


def test_names_of_columns_cannot_write_to_the_terminal(folder, capsys):
    (told,) = notes(capsys, [["text", "a\x1b[2Jb\nc" + "d" * 500], ["x", "y"]], [["text"], ["z"]])
    assert "\x1b" not in told and len(told) < 400


def test_a_column_of_a_test_file_alone_is_told_of_that_file(folder, capsys):
    (told,) = notes(capsys, [["text"], ["good"]], [["text", "level"], ["bad", "1"]])
    assert told == ("Note: sources.faq.files.test: 'level' is not read, only 'text': faq_test.csv.")


def test_several_columns_beside_prompts_are_told_without_a_guess(folder, capsys):
    rows = [["id", "prompt", "response", "level"], ["1", "a", "b", "x"]]
    (told,) = notes(capsys, rows, [["prompt", "response"], ["x", "y"]])
    assert told == (
        "Note: sources.faq.files.train: 'id', 'level' are not read, only 'prompt', 'response': "
        "faq_train.csv."
    )
