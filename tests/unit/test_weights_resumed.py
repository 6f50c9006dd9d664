"""Stages of methods that keep or merge weights: the second of a chain, killed and gone on with."""

import pytest
from safetensors.torch import load_file
from small_nodes import make_nodes, stage_spec

from lethe.errors import UserError
from lethe.methods.attached import METHOD_STATE
from lethe.training import loop
from lethe.training.stage import train_stage

BASE = {"base": "base", "base_kind": "base"}
CASES = [
    ("ema", {"decay": 0.8}, {}),
    ("l2sp", {"strength": 5.0}, {}),
    ("l2sp", {"strength": 5.0, "anchor": "base"}, BASE),
    ("wise_ft", {"alpha": 0.4}, {}),
    ("wise_ft", {"toward": "base"}, BASE),
    ("flow", {}, BASE),
    ("kd", {"teacher": "base", "target": "removed"}, BASE),
    ("task_arithmetic", {"drop": 0.5}, BASE),
    ("ties", {}, BASE),
]


def train(results, node: str, method: str, hyper: dict, base: dict, seconds: float = 1e9) -> dict:
    task, parent, history = "one", "base", ["one"]
    if node != "first":
        task, parent, history = "two", "first", ["one", "two"]
    changes = {"method": method, "hyper": hyper, "history": history, **base}
    return train_stage(node, stage_spec(task, parent, **changes), results, "code", seconds)


@pytest.mark.parametrize(("method", "hyper", "base"), CASES)
def test_a_killed_stage_goes_on_to_the_same_checkpoint(method, hyper, base, tmp_path, monkeypatch):
    make_nodes(tmp_path)
    first = train(tmp_path, "first", method, hyper, base)
    whole = train(tmp_path, "whole", method, hyper, base)
    take_step = loop.take_step

    def stop(stage, *arguments):
        if stage.step == 4:
            raise KeyboardInterrupt
        take_step(stage, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "take_step", stop)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, "cut", method, hyper, base, seconds=0)
    resumed = train(tmp_path, "cut", method, hyper, base)
    assert resumed["files"] == whole["files"]
    assert (METHOD_STATE in first["files"]) == (method in ("task_arithmetic", "ties"))


def test_a_parent_that_another_method_trained_is_refused(tmp_path):
    make_nodes(tmp_path)
    train(tmp_path, "first", "sequential", {}, {})
    with pytest.raises(UserError, match="holds no task vectors and is not the base itself"):
        train(tmp_path, "second", "task_arithmetic", {}, BASE)


def test_the_state_of_task_arithmetic_is_float32(tmp_path):
    make_nodes(tmp_path)
    train(tmp_path, "first", "task_arithmetic", {}, BASE)
    state = load_file(tmp_path / "stages" / "first" / METHOD_STATE)
    assert {str(value.dtype) for value in state.values()} == {"torch.float32"}
