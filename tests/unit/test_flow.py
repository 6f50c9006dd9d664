"""FLOW: weights of a naive pass, a loss weighted by them, and plain training at sharpness 0.

With sharpness 0 all examples weigh the same, and the tests of weights and loss fail.
"""

import math
import statistics

import numpy as np
import pytest
import torch
from retention_case import FAMILIES, gradients_of, make_stage, move, two_stages

from lethe.methods.flow import weights_of
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.models.forward import token_losses

ALONE = {"micro_batch_rows": None, "packed": False}


def naive_weights(stage, sharpness: float) -> dict[str, float]:
    """Every example alone through the base."""
    base, losses = stage.load_base(), {}
    for example in stage.examples:
        (batch,) = stage.collate([example], 0)
        losses[example.id] = token_losses(base, batch).mean().item()
    tau = statistics.median(losses.values())
    weights = {name: math.exp(-sharpness * loss / tau) for name, loss in losses.items()}
    mean = sum(weights.values()) / len(weights)
    return {name: weight / mean for name, weight in weights.items()}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_the_weights_are_those_of_each_example_alone_under_the_base(family, sharpness):
    stage, method = make_stage(family), create("flow", {"sharpness": sharpness})
    move(stage.model)  # the network in training is not what they are of
    method.before_stage(stage)
    expected = naive_weights(stage, sharpness)
    assert {name for _, name in method.weights} == expected.keys()
    for (_, name), weight in method.weights.items():
        assert weight == pytest.approx(expected[name], rel=1e-4)
    assert max(expected.values()) > 1.05 * min(expected.values())


def test_worked_weights():
    """Losses 1, 2, 4 with median 2: exp(-1/2), exp(-1), exp(-2) over their mean 0.3699."""
    found = weights_of(np.array([1.0, 2.0, 4.0]), 1.0)
    assert found.tolist() == pytest.approx([1.6396, 0.9945, 0.3659], abs=1e-4)
    assert weights_of(np.array([0.0, 0.0, 1.0]), 1.0).tolist() == [1.5, 1.5, 0.0]
    # So sharp that exp alone is zero for all of them.
    assert weights_of(np.array([1.0, 1.001, 3.0]), 1e6).tolist() == [3.0, 0.0, 0.0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("normalisation", ["token", "example"])
def test_the_loss_and_its_gradient_are_the_weighted_sum_over_examples(family, normalisation):
    layout = {**ALONE, "loss_normalisation": normalisation}
    stage, method = make_stage(family, **layout), create("flow", {"sharpness": 3.0})
    method.before_stage(stage)
    stage.model.eval()
    (whole,) = stage.collate(stage.examples, 0)
    weights, losses = naive_weights(stage, 3.0), token_losses(stage.model, whole)
    of_label = torch.tensor([weights[whole.example_ids[d]] for d in whole.label_documents])
    naive = (of_label * whole.weights * losses).sum()
    loss = method.loss(stage, whole)
    assert loss.item() == pytest.approx(naive.item(), rel=1e-4)
    assert loss.item() != pytest.approx(stage.plain_loss(stage.model, whole).item(), rel=1e-3)
    expected = {k: g.clone() for k, g in gradients_of(naive, stage.model).items()}
    for name, gradient in gradients_of(method.loss(stage, whole), stage.model).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-6)


def test_losses_of_micro_batches_add_up():
    stage, method = make_stage("causal"), create("flow", {})
    whole = make_stage("causal", micro_batch_rows=None)
    method.before_stage(stage)
    parts = [method.loss(stage, part).item() for part in stage.collate(stage.examples)]
    (batch,) = whole.collate(stage.examples)
    assert sum(parts) == pytest.approx(method.loss(stage, batch).item(), rel=1e-4)


def test_the_record_says_what_share_of_the_examples_is_left_in_effect():
    method = create("flow", {})
    assert method.record() == {}
    method.weights = {("t", "a"): 2.0, ("t", "b"): 0.0}
    assert method.record()["effective_share"].item() == pytest.approx(0.5)


@pytest.mark.parametrize("family", FAMILIES)
def test_sharpness_zero_is_plain_fine_tuning_bit_by_bit(family):
    model, _, _ = two_stages(family, lambda: create("flow", {"sharpness": 0.0}))
    plain, _, _ = two_stages(family, Sequential)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
