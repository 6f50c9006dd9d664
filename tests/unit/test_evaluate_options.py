"""The options of `lethe evaluate`: what is asked, in which arithmetic, and on which device."""

import json
import shutil
from pathlib import Path

import evaluation_world as world
import pytest
import torch

from lethe.cli import main
from lethe.commands.evaluate import evaluate
from lethe.errors import UserError
from lethe.models.loading import load_model


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("options")
    world.write_checkpoint(folder / "checkpoint")
    for name in ("know", "more"):
        world.write_task(folder / "eval", name, world.CHOICE, world.choice_rows, n=6)
    (folder / "eval" / "both.yaml").write_text("group: both\ntask: [know, more]\n")
    return folder


@pytest.fixture(scope="module")
def plain(place) -> list[dict]:
    return evaluate(place / "checkpoint", ["know", "more"], str(place / "eval"))


def scores(results: list[dict]) -> dict[str, list]:
    return {result["task"]: result["scores"] for result in results}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_dtype_is_that_of_the_weights(place, plain, tmp_path, dtype):
    """As a checkpoint saved in that dtype, which `auto` reads off its file."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(place / "checkpoint", folder)
    load_model(folder).to(getattr(torch, dtype)).save_pretrained(folder)
    how = {"task_names": ["know"], "include_path": str(place / "eval")}
    (found,) = evaluate(place / "checkpoint", **how, dtype=dtype)
    (auto,) = evaluate(folder, **how, dtype="auto")
    (rounded,) = evaluate(folder, **how)
    assert found["dtype"] == auto["dtype"] == dtype and rounded["dtype"] == "float32"
    assert found["scores"] == auto["scores"] != plain[0]["scores"]
    assert evaluate(place / "checkpoint", **how, dtype="auto")[0]["scores"] == plain[0]["scores"]


def test_tasks_may_be_a_folder_or_a_file(place, plain):
    folder = place / "eval"
    model = place / "checkpoint"
    assert scores(evaluate(model, [f"{folder}/"])) == scores(plain)
    (one,) = evaluate(model, [f"{folder}/know.yaml"])
    assert one["scores"] == plain[0]["scores"]
    (group,) = evaluate(model, [f"{folder}/both.yaml"])
    assert group["task"] == "both" and group["n"] == 12
    with pytest.raises(UserError, match="know twice"):
        evaluate(model, ["know", f"{folder}/"], str(folder))


def test_a_folder_or_file_without_a_task_is_refused(place, tmp_path):
    (tmp_path / "x.yaml").write_text("a: 1\n")
    (tmp_path / "y.yaml").write_text("a: [\n")
    for name in ("x.yaml", "y.yaml", ""):
        with pytest.raises(UserError, match="expected"):
            evaluate(place / "checkpoint", [f"{tmp_path}/{name}"])


def test_the_number_of_texts_a_batch_changes_rounding_alone(place, plain):
    how = {"task_names": ["know"], "include_path": str(place / "eval"), "engine": "stock"}
    (found,) = evaluate(place / "checkpoint", **how, batch_size=1)
    for one, other in zip(found["scores"], plain[0]["scores"], strict=True):
        assert one["value"] == pytest.approx(other["value"], abs=1e-4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "gpu"}, "--device: expected cpu, cuda, cuda:N or auto, found 'gpu'"),
        ({"device": "cuda:999"}, "--device: cuda:999 is not on this machine"),
        ({"dtype": "int8"}, "dtype"),
        ({"batch_size": 0}, "--batch-size"),
        ({"limit": 0}, "--limit"),
        ({"shots": -1}, "--shots"),
    ],
    ids=str,
)
def test_wrong_options_are_one_sentence(place, options, words):
    with pytest.raises(UserError, match=words):
        evaluate(place / "checkpoint", ["know"], str(place / "eval"), **options)


def test_the_model_is_given_once_in_either_way(place, plain, capsys):
    model = str(place / "checkpoint")
    asked = ["--tasks", "know", "--include-path", str(place / "eval"), "--device", "cpu", "--json"]
    for given in ([model], ["--model", model]):
        assert main(["evaluate", *given, *asked]) == 0
        (result,) = json.loads(capsys.readouterr().out)
        assert result["scores"] == plain[0]["scores"]
    for given in ([], [model, "--model", model]):
        assert main(["evaluate", *given, *asked]) == 2
        assert "expected one checkpoint" in capsys.readouterr().err


def test_what_is_neither_a_folder_nor_a_name_of_the_hub(place):
    for model in ("./nowhere", "/nowhere", "a/b/c", "a b"):
        with pytest.raises(UserError, match="Expected a checkpoint directory"):
            evaluate(model, ["know"], str(place / "eval"))
