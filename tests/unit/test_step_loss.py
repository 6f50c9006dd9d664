"""The loss of a step: it counts once, however many micro-batches there are."""

import manual_method
import numpy as np
import pytest
import torch
from retention_case import FAMILIES, gradients_of, make_examples, make_stage, move, step_loss
from safetensors.torch import load_file
from small_nodes import make_nodes, stage_spec

from lethe.methods.registry import create
from lethe.training.loop import add_gradients
from lethe.training.stage import train_stage

FLOAT32 = {"dtype": "float32"}
HYPER = {
    "ewc": {"strength": 50.0},
    "derpp": {"alpha": 0.3},
    "replay": {"weight": 0.5, "ratio": 0.75},
}


MANY = {
    "replay": {"ratio": 1.0},
    "derpp": {"replayed": 4},
    "self_replay": {"ratio": 1.0, "samples": 8, "max_length": 12},
}
"""Values with which a step replays four micro-batches or more."""


def second_stage(name: str, family: str, rows: int | None):
    """A second stage of four examples in `rows` a micro-batch, and its method after a first one."""
    first, method = make_stage(family), create(name, HYPER[name])
    method.before_stage(first)
    method.after_stage(first)
    laid_out = {"micro_batch_rows": rows, "packed": False}
    stage = make_stage(family, first.model, index=2, earlier=[first.examples], **laid_out)
    following = create(name, HYPER[name])
    following.load_state(method.state())
    following.before_stage(stage)
    move(stage.model)
    stage.model.eval()
    return stage, following


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", HYPER)
def test_gradients_are_those_of_plain_loss_and_step_loss_for_any_micro_batches(name, family):
    stage, method = second_stage(name, family, None)
    (batch,) = stage.collate(stage.examples)
    plain = gradients_of(stage.plain_loss(stage.model, batch), stage.model)
    naive = {key: gradient.clone() for key, gradient in plain.items()}
    of_step = gradients_of(step_loss(method, stage), stage.model)
    assert max(gradient.abs().max() for gradient in of_step.values()) > 1e-3
    for key, gradient in of_step.items():
        naive[key] = naive.get(key, 0) + gradient
    for rows, count in ((None, 1), (2, 2), (1, 4)):
        stage, method = second_stage(name, family, rows)
        batches = stage.collate(stage.examples)
        assert len(batches) == count
        add_gradients(stage, method, FLOAT32, batches)
        assert stage.gradients().keys() == naive.keys()
        for key, gradient in stage.gradients().items():
            torch.testing.assert_close(gradient, naive[key], rtol=1e-4, atol=1e-6)


def test_a_step_loss_in_bfloat16_is_near_that_in_float32():
    norms = []
    for dtype in ("float32", "bfloat16"):
        stage, method = second_stage("replay", "causal", 2)
        add_gradients(stage, method, {"dtype": dtype}, stage.collate(stage.examples))
        norms.append(torch.nn.utils.get_total_norm(list(stage.gradients().values())).item())
    assert norms[0] != norms[1] == pytest.approx(norms[0], rel=0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_replay_adds_the_gradient_of_the_examples_it_draws(family):
    stage, method = second_stage("replay", family, 2)
    (earlier,) = stage.load_replayed()
    stage.step = 3
    chosen = np.random.default_rng([0, 3, 301]).choice(len(earlier), 3, replace=False)
    stage.collate.rows = None
    (batch,) = stage.collate([earlier[place] for place in chosen], stage.step)
    loss = 0.5 * 3 / 4 * stage.plain_loss(stage.model, batch)
    naive = {key: g.clone() for key, g in gradients_of(loss, stage.model).items()}
    stage.collate.rows = 2
    found = gradients_of(step_loss(method, stage), stage.model)
    assert found.keys() == naive.keys()
    for key, gradient in found.items():
        torch.testing.assert_close(gradient, naive[key], rtol=1e-4, atol=1e-6)


class Held:
    """Bytes that backward passes still need, and their peak."""

    def __init__(self):
        self.now = self.peak = 0

    def keep(self, tensor: torch.Tensor) -> tuple[torch.Tensor, "_Share"]:
        return tensor, _Share(self, tensor.nbytes)


class _Share:
    def __init__(self, held: Held, size: int):
        self.held, self.size = held, size
        held.now += size
        held.peak = max(held.peak, held.now)

    def __del__(self):
        self.held.now -= self.size


@pytest.mark.parametrize("name", ["replay", "derpp", "self_replay"])
def test_replayed_micro_batches_are_in_memory_one_at_a_time(name):
    """The peak is that of plain training with micro-batches as long."""
    peaks = []
    for method_name, hyper in (("sequential", {}), (name, MANY[name])):
        stage = make_stage("causal", micro_batch_rows=1, packed=False)
        method = create(method_name, hyper)
        if name != "self_replay":
            method.before_stage(stage)
            method.after_stage(stage)
            stage.load_replayed = lambda: [make_examples("causal", 4)]
            stage.index = 2
        method.before_stage(stage)
        held = Held()
        with torch.autograd.graph.saved_tensors_hooks(held.keep, lambda kept: kept[0]):
            add_gradients(stage, method, FLOAT32, stage.collate(stage.examples))
        if method_name != "sequential":
            assert stage.replayed[0] > 2 * max(len(e.tokens) for e in stage.examples)
        peaks.append(held.peak)
    plain, replayed = peaks
    assert replayed < 1.5 * plain


def test_the_manual_shows_the_method_as_it_is_which_has_at_most_forty_lines():
    assert manual_method.shown() == manual_method.in_use()
    assert len(manual_method.in_use()[0].splitlines()) <= 40


def test_the_method_that_the_manual_shows_trains_a_chain(tmp_path):
    make_nodes(tmp_path)
    first = stage_spec()
    train_stage("first", first, tmp_path, "code", 1e9)
    trained = []
    for node, name, hyper in (
        ("replayed", "replay", {"ratio": 1.0}),
        ("weightless", "replay", {"weight": 0.0}),
        ("plain", "sequential", {}),
    ):
        later = {"earlier": [first["mixture"]], "history": ["one", "two"]}
        spec = stage_spec("two", "first", method=name, hyper=hyper, **later)
        train_stage(node, spec, tmp_path, "code", 1e9)
        trained.append(load_file(tmp_path / "stages" / node / "model.safetensors"))
    replayed, weightless, plain = (weights["model.embed_tokens.weight"] for weights in trained)
    assert torch.equal(weightless, plain)
    assert not torch.equal(replayed, plain)
