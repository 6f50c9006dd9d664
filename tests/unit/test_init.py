"""`lethe init`: a study of one's own that is right as it is written, and explained."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from lethe.artefacts.strict_yaml import read_yaml
from lethe.cli import main
from lethe.config.reading import read_catalogue, read_study
from lethe.config.recipe_values import recipe_for
from lethe.config.started import COSTS, START, comments_above, miniature

ROOT = Path(__file__).parents[2]
ROW = '{"prompt": "a", "response": "b"}\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with files of examples, two of them train and test."""
    monkeypatch.chdir(tmp_path)
    for name in ("support_train", "support_test", "notes", "simp", "train"):
        (tmp_path / f"{name}.jsonl").write_text(ROW)
    (tmp_path / "texts.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "other.jsonl").write_text('{"front": "a", "back": "b"}\n')
    (tmp_path / "two.csv").write_text("instruction,input,output\na,b,c\n")
    for name in ("faq_train", "faq_test", "faq"):
        (tmp_path / f"{name}.csv").write_text("prompt,response\na,b\n")
    (tmp_path / "notes.md").write_text("a")
    (tmp_path / "faq.tsv").write_text("Question\tAnswer\na\tb\n")
    (tmp_path / "list.json").write_text('[\n{"prompt": "a", "response": "b"}\n]')
    (tmp_path / "policy.txt").write_text("Leave is thirty days.\nAsk early.\n")
    for name in ("prose_train", "prose_test"):
        (tmp_path / f"{name}.txt").write_text("One.\nTwo.\n")
    pyarrow.parquet.write_table(pyarrow.table({"prompt": ["a"], "response": ["b"]}), "t.parquet")
    (tmp_path / "empty.jsonl").write_text("")
    return tmp_path


CASES = {
    "all defaults": [],
    "a miniature model and its tasks": ["--model", "encdec", "--train", "hgen", "simp"],
    "a tuned one": ["--model", "xs-tuned", "--train", "hgen"],
    "a miniature model and files": ["--model", "s", "--train", "support_train.jsonl"],
    "a model of the hub and files": [
        *("--model", "Qwen/Qwen3-0.6B"),
        *("--train", "support_train.jsonl", "notes.jsonl", "texts.jsonl"),
    ],
    "an encoder-decoder of the hub": [
        *("--model", "google/t5-small", "--family", "seq2seq", "--train", "notes.jsonl"),
    ],
    "a model of the catalogue that is fetched": ["--model", "bloomz-1.1b", "--train", "simp"],
    "one of a package": ["--model", "smollm2", "--train", "notes.jsonl"],
    "files with the names of a task and of a split": [
        *("--train", "notes.jsonl", "./simp.jsonl", "simp", "train.jsonl"),
    ],
    "files of every format": [
        *("--model", "a/b", "--train"),
        *("faq.csv", "faq.tsv", "list.json", "policy.txt", "t.parquet", "prose_train.txt"),
    ],
    "plain text for an encoder-decoder": ["--model", "encdec", "--train", "prose_train.txt"],
}


@pytest.mark.parametrize("stem", ["yes", "null", "1", "1e3", "2024-01-01", "on", "0x1F", "Off"])
def test_a_file_whose_name_is_a_word_of_yaml_makes_a_study_that_is_right(folder, stem, capsys):
    (folder / f"{stem}.jsonl").write_text(ROW)
    assert main(["init", "mine.yaml", "--train", f"{stem}.jsonl"]) == 0
    study = read_study([folder / "mine.yaml"])
    assert list(study.define.tasks) == [stem] and main(["check", "mine.yaml"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("arguments", CASES.values(), ids=list(CASES))
def test_what_it_writes_is_right_at_once(folder, arguments, capsys):
    assert main(["init", "mine.yaml", *arguments]) == 0
    said = capsys.readouterr().out
    assert "lethe check mine.yaml\n" in said and "lethe run mine.yaml\n" in said
    assert main(["check", "mine.yaml"]) == 0
    checked = capsys.readouterr()
    assert checked.out.startswith("The configuration of study 'mine' is right")
    assert checked.err == ""


def test_every_key_has_the_comment_of_the_example(folder):
    files = ["support_train.jsonl", "notes.jsonl"]
    assert main(["init", "mine.yaml", "--model", "a/b", "--train", *files]) == 0
    text, example = (folder / "mine.yaml").read_text(), START.read_text()
    for indent, study in (("", read_yaml(START)), ("  ", read_yaml(START)["define"])):
        assert all(comments_above(example, indent)[key] for key in study if key != "define")
        assert comments_above(text, indent) == comments_above(example, indent)
    assert str(ROOT) not in text


def test_a_test_file_beside_a_train_file_is_an_evaluation_set(folder):
    files = ["support_train.jsonl", "notes.jsonl"]
    main(["init", "mine.yaml", "--model", "a/b", "--train", *files])
    study = read_yaml(folder / "mine.yaml")
    assert study["define"]["sources"]["support"]["files"]["test"] == "support_test.jsonl"
    assert study["define"]["tasks"]["support"]["own"] == "own_support"
    assert list(study["define"]["probes"]["learned"]["tasks"]) == ["own_support"]
    assert study["probes"] == ["general", "learned"]


def test_a_table_beside_its_test_file_is_as_a_jsonl(folder):
    main(["init", "mine.yaml", "--model", "a/b", "--train", "faq_train.csv"])
    define = read_yaml(folder / "mine.yaml")["define"]
    files = {"train": "faq_train.csv", "test": "faq_test.csv"}
    assert define["sources"] == {"faq": {"kind": "files", "loader": "generic", "files": files}}
    assert define["tasks"] == {"faq": {"source": "faq", "own": "own_faq"}}


def test_columns_whose_names_say_what_they_hold_are_mapped_and_told(folder, capsys):
    main(["init", "mine.yaml", "--model", "a/b", "--train", "faq.tsv"])
    source = read_study([folder / "mine.yaml"]).define.sources["faq"]
    assert source.parameters == {"columns": {"prompt": "Question", "response": "Answer"}}
    said = capsys.readouterr().out
    assert (
        "Note: faq.tsv: takes the column `Question` as `prompt` and `Answer` as `response`." in said
    )


def test_every_line_of_a_plain_text_is_taught_and_its_test_file_is_read(folder):
    """The loader would else keep the first lines for a dev split that the study never reads."""
    main(["init", "mine.yaml", "--model", "a/b", "--train", "prose_train.txt"])
    define = read_yaml(folder / "mine.yaml")["define"]
    source = define["sources"]["prose"]
    assert source["loader"] == "text_lines" and source["parameters"] == {"dev_percent": 0}
    assert source["files"] == {"train": "prose_train.txt", "test": "prose_test.txt"}
    assert define["tasks"] == {"prose": {"source": "prose"}}
    (read,) = define["probes"]["held-out"]["tasks"].values()
    assert read["source"] == "prose" and read["texts"] == "{split}.jsonl"


def test_texts_have_no_test_of_answers(folder):
    """A `text` has no response to ask for, so that such a set is never made."""
    (folder / "texts_train.jsonl").write_text('{"text": "a"}\n')
    (folder / "texts_test.jsonl").write_text('{"text": "a"}\n')
    main(["init", "mine.yaml", "--model", "a/b", "--train", "texts_train.jsonl"])
    study = read_yaml(folder / "mine.yaml")
    assert "own" not in study["define"]["tasks"]["texts"]
    assert study["probes"] == ["general", "held-out"]


def test_what_is_evaluated_is_what_may_be_forgotten_and_the_tests_of_what_is_taught(folder):
    main(["init", "mine.yaml", "--model", "xs", "--train", "support_train.jsonl", "hgen"])
    study = read_yaml(folder / "mine.yaml")
    assert study["probes"] == ["miniature-general", "learned"]
    assert list(study["define"]["probes"]["learned"]["tasks"]) == ["own_support", "own_hgen"]
    general = read_catalogue(read_study()).probes["miniature-general"].tasks.values()
    assert "own" not in {entry.axis for entry in general}


def test_every_probe_has_what_it_costs_beside_it(folder):
    files = ["--train", "support_train.jsonl"]
    for model in ("xs", "smollm2", "a/b"):
        main(["init", f"{model[0]}.yaml", "--model", model, *files])
        text = (folder / f"{model[0]}.yaml").read_text()
        for name in read_yaml(folder / f"{model[0]}.yaml")["probes"]:
            assert f"  - {name}  # {COSTS[name]}\n" in text


@pytest.mark.parametrize("model", ["s", "a/b"])
def test_a_number_of_steps_changes_the_usual_recipe_in_this_alone(folder, model):
    given = ["--model", model, "--train", "notes.jsonl"]
    main(["init", "mine.yaml", *given, "--steps", "40"])
    main(["init", "usual.yaml", *given])
    values = []
    for name in ("mine.yaml", "usual.yaml"):
        study = read_study([folder / name])
        recipe = read_catalogue(study).recipes[study.recipe]
        values.append(recipe_for(study.recipe, recipe, model, parametrisation="lora"))
    assert values[0] == values[1] | {"steps": 40, "epochs": None}


def test_a_folder_is_a_model_of_the_family_that_its_configuration_names(folder):
    (folder / "t5").mkdir()
    (folder / "t5" / "config.json").write_text('{"model_type": "t5"}')
    # Its weights are not there, which is what `lethe check` would say.
    assert main(["init", "mine.yaml", "--model", "t5", "--train", "notes.jsonl"]) == 2
    assert not (folder / "mine.yaml").exists()
    from lethe.config.started import started

    assert started("mine", "t5", ["notes.jsonl"])["define"]["models"] == {
        "t5": {"family": "seq2seq", "import": "t5"}
    }


def test_a_file_that_is_gone_is_told_with_the_folder_that_was_looked_in(folder, capsys):
    main(["init", "mine.yaml", "--train", "notes.jsonl"])
    (folder / "notes.jsonl").unlink()
    assert main(["check", "mine.yaml"]) == 2
    assert f"found none at notes.jsonl (looked for from {folder})" in capsys.readouterr().err


def test_the_file_may_come_after_what_is_taught(folder):
    assert main(["init", "--train", "simp", "hgen", "mine.yaml"]) == 0
    assert read_yaml(folder / "mine.yaml")["orders"] == ["simp-hgen"]


def test_nothing_is_overwritten(folder, capsys):
    (folder / "mine.yaml").write_text("study: mine\n")
    assert main(["init", "mine.yaml"]) == 2
    assert "mine.yaml exists" in capsys.readouterr().err
    assert (folder / "mine.yaml").read_text() == "study: mine\n"


def test_a_folder_gets_a_study_of_its_name(folder):
    assert main(["init", "deep/new study"]) == 0
    assert read_yaml(folder / "deep" / "new study" / "study.yaml")["study"] == "new-study"
    assert main(["init", "--name", "called"]) == 0
    assert read_yaml(folder / "called.yaml")["study"] == "called"


WRONG = {
    "a model that is none": (["--model", "xss"], "did you mean 'xs'"),
    "a model of the domains": (["--model", "masked"], "config/mini-full-ke.yaml"),
    "a task that is none": (["--train", "simpp"], "did you mean 'simp'"),
    "a file that is not there": (["--train", "gone.jsonl"], "there is no file gone.jsonl"),
    "a file of other columns": (["--train", "other.jsonl"], "found front, back; rename"),
    "a file in which two columns may be the prompt": (
        ["--train", "two.csv"],
        "map them at the source in a study: `parameters: {columns: {prompt: NAME",
    ),
    "a file of no known format": (["--train", "notes.md"], "expected files of one format ("),
    "a file without a row": (
        ["--train", "empty.jsonl"],
        "empty.jsonl: expected rows, found an empty file",
    ),
    "no step": (["--steps", "0"], "--steps: expected a whole number above 0, found 0"),
    "a name that is none": (["--name", "a/b"], "expected a name"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=list(WRONG))
def test_what_makes_no_study_is_one_sentence_and_writes_nothing(folder, arguments, words, capsys):
    before = sorted(folder.rglob("*"))
    assert main(["init", "mine.yaml", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_a_name_of_a_file_ends_no_comment(folder):
    (folder / "a\nb: 1.jsonl").write_text(ROW)
    assert main(["init", "mine.yaml", "--train", "a\nb: 1.jsonl"]) == 0
    assert main(["check", "mine.yaml"]) == 0


def asked(folder, taught: bytes) -> tuple[int, bytes]:
    """The status of `lethe init` and what it says, answered on a terminal."""
    here, there = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lethe", "init", "mine.yaml"],
        stdin=there, stdout=there, stderr=there, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
    )  # fmt: skip
    os.close(there)
    said = b""
    for number, answer in enumerate((b"\n", taught), start=1):
        while said.count(b"]: ") < number:
            assert select.select([here], [], [], 120)[0], said
            said += os.read(here, 65536)
        os.write(here, answer)
    status = process.wait(120)
    said += os.read(here, 65536)
    os.close(here)
    return status, said


def test_on_a_terminal_an_open_quote_is_a_sentence(folder):
    status, said = asked(folder, b"it's.jsonl\n")
    assert status == 2 and b"a quote without its end" in said and b"Traceback" not in said


def test_on_a_terminal_it_asks_two_questions(folder):
    assert asked(folder, b"hgen notes.jsonl\n")[0] == 0
    study = read_yaml(folder / "mine.yaml")
    assert study["models"] == miniature("models")[:1] and study["orders"] == ["hgen-notes"]
