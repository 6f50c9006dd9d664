"""`lethe evaluate` on what is not a checkpoint or not a task: one sentence each."""

import argparse
import json
import os
import shutil
import subprocess
import sys

import evaluation_world as world
import pytest

from lethe.commands.evaluate import add_arguments, as_text, evaluate, run
from lethe.errors import UserError


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad_input")
    world.write_checkpoint(folder / "checkpoint")
    world.write_task(folder / "eval", "know_nature", world.CHOICE, world.choice_rows, n=4)
    return folder


@pytest.fixture
def checkpoint(place, tmp_path):
    shutil.copytree(place / "checkpoint", tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def refused(place, checkpoint, *words, names=("know_nature",), **options):
    with pytest.raises(UserError) as caught:
        evaluate(checkpoint, list(names), str(place / "eval"), **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert str(word) in message


def test_a_directory_that_is_not_there(place, tmp_path):
    refused(place, tmp_path / "nowhere", "checkpoint directory", tmp_path / "nowhere")


def test_a_directory_without_a_config(place, tmp_path):
    refused(place, tmp_path, "config.json")


def test_a_checkpoint_without_weights(place, checkpoint):
    (checkpoint / "model.safetensors").unlink()
    refused(place, checkpoint, "no weights")


def test_a_checkpoint_with_pickled_weights_only(place, checkpoint):
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    refused(place, checkpoint, "pytorch_model.bin", "safetensors")


@pytest.mark.parametrize("kept", [4, 300, -7])
def test_weights_that_are_cut(place, checkpoint, kept):
    file = checkpoint / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    refused(place, checkpoint, "model.safetensors", "cut")


def test_weights_that_lack_a_tensor(place, checkpoint):
    from safetensors.torch import load_file, save_file

    weights = load_file(checkpoint / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, checkpoint / "model.safetensors", metadata={"format": "pt"})
    refused(place, checkpoint, "model.layers.1.mlp.up_proj.weight")


def test_a_config_that_is_not_json(place, checkpoint):
    (checkpoint / "config.json").write_text("{")
    refused(place, checkpoint, "config.json")


def test_a_checkpoint_without_a_tokenizer(place, checkpoint):
    for file in checkpoint.glob("tokenizer*"):
        file.unlink()
    refused(place, checkpoint, "tokenizer")


def test_an_unknown_task_names_the_nearest(place, checkpoint):
    refused(place, checkpoint, "know_natur", "'know_nature'", names=["know_natur"])


def test_a_task_named_twice(place, checkpoint):
    refused(place, checkpoint, "know_nature twice", names=["know_nature", "know_nature"])


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one(place, checkpoint, limit):
    refused(place, checkpoint, "--limit", limit, limit=limit)


def test_a_folder_of_tasks_that_is_not_there(checkpoint, tmp_path):
    with pytest.raises(UserError, match="folder of task YAMLs"):
        evaluate(checkpoint, ["know_nature"], str(tmp_path / "nowhere"))


def test_a_data_file_that_is_missing(place, checkpoint, tmp_path):
    shutil.copytree(place / "eval", tmp_path / "eval")
    (tmp_path / "eval" / "data" / "know_nature" / "test.jsonl").unlink()
    with pytest.raises(UserError, match="test.jsonl"):
        evaluate(checkpoint, ["know_nature"], str(tmp_path / "eval"))


def test_data_of_the_hub_is_never_fetched(checkpoint):
    with pytest.raises(UserError, match="not on this machine"):
        evaluate(checkpoint, ["hellaswag"], limit=2)


def test_a_group_without_its_data_names_the_task_and_the_dataset(checkpoint):
    with pytest.raises(UserError, match="mmlu_abstract_algebra: its data 'cais/mmlu'"):
        evaluate(checkpoint, ["mmlu"], limit=2)


def test_options_print_a_table_or_json(place, checkpoint, capsys, tmp_path):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ["--model", str(checkpoint), "--tasks", "know_nature"]
    words += ["--include-path", str(place / "eval"), "--out", str(tmp_path / "kept")]
    run(parser.parse_args(words))
    printed = capsys.readouterr().out
    run(parser.parse_args([*words, "--json"]))
    results = json.loads(capsys.readouterr().out)
    assert as_text(results) in printed
    assert "acc_norm" in printed and "stderr" in printed
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_the_command_line_of_evaluate_loads_nothing_heavy():
    code = "import sys, lethe.commands.evaluate; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, env=_environment())
    assert done.returncode == 0


def test_importing_the_harness_runs_no_torch_operation():
    # A fork server imports it and then forks, which is safe only while torch has no threads.
    code = """
import os, sys
import torch
from torch.utils._python_dispatch import TorchDispatchMode
class Watch(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        os._exit(3)
with Watch():
    import lethe.evaluation.harness
os._exit(len(os.listdir('/proc/self/task')) != 1)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, env=_environment())
    assert done.returncode == 0


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


def test_every_file_that_loading_may_read_makes_kept_scores_others(place, checkpoint, tmp_path):
    from lethe.evaluation.checkpoint import identifying_files

    read = ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]
    read += ["vocab.json", "merges.txt", "vocab.txt", "spiece.model", "added_tokens.json"]
    read += ["chat_template.jinja", "chat_template.json", "generation_config.json", "new.tiktoken"]
    read += ["additional_chat_templates/tool.jinja"]
    seen = [identifying_files(checkpoint)]
    for name in read:
        (checkpoint / name).parent.mkdir(exist_ok=True)
        with open(checkpoint / name, "a") as file:
            file.write(" ")
        assert name in identifying_files(checkpoint)
        assert identifying_files(checkpoint) not in seen, name
        seen.append(identifying_files(checkpoint))
    # What is no part of a model: documents, other formats' weights, and scores kept beside it.
    for name in ["README.md", "pytorch_model.bin", "stage.json", "know-0123456789ab.json", ".x"]:
        (checkpoint / name).write_text("other")
    assert identifying_files(checkpoint) == seen[-1]


def test_a_score_by_hand_is_never_that_of_another_tokenizer(place, checkpoint, tmp_path):
    def score():
        return evaluate(checkpoint, ["know_nature"], str(place / "eval"), out=tmp_path / "out")

    first = score()
    (checkpoint / "special_tokens_map.json").write_text('{"additional_special_tokens": ["bal"]}')
    assert score() and len(list((tmp_path / "out").iterdir())) == 2
    (checkpoint / "special_tokens_map.json").unlink()
    assert score() == first and len(list((tmp_path / "out").iterdir())) == 2
