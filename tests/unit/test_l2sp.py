"""L2-SP: zero at its anchor, the formula elsewhere, and weights that stay nearer to it.

With strength 0 there is no penalty, and all but the test of strength 0 fail.
"""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, gradients_of, make_stage, move, new_model, two_stages

from lethe.errors import UserError
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training.loop import train


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("anchor", ["parent", "base"])
def test_at_the_anchor_penalty_and_gradient_are_zero(family, anchor):
    stage, method = make_stage(family), create("l2sp", {"strength": 1e6, "anchor": anchor})
    method.before_stage(stage)
    penalty = method.step_loss(stage)
    assert penalty.item() == 0.0
    gradients = gradients_of(penalty, stage.model)
    assert gradients and not any(gradient.any() for gradient in gradients.values())


@pytest.mark.parametrize("anchor", ["parent", "base"])
def test_elsewhere_the_gradient_is_strength_times_the_way_from_the_anchor(anchor):
    model = new_model("causal")
    move(model, 0.02)  # so that the parent is not the base
    stage, method = make_stage("causal", model), create("l2sp", {"strength": 7.0, "anchor": anchor})
    network = stage.load_parent() if anchor == "parent" else stage.load_base()
    start = {name: p.clone() for name, p in network.named_parameters()}
    method.before_stage(stage)
    move(stage.model)
    ways = {name: p.detach() - start[name] for name, p in stage.model.named_parameters()}
    penalty = method.step_loss(stage)
    expected = 3.5 * sum(way.square().sum().item() for way in ways.values())
    assert penalty.item() == pytest.approx(expected, rel=1e-5)
    for name, gradient in gradients_of(penalty, stage.model).items():
        torch.testing.assert_close(gradient, 7.0 * ways[name])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("anchor", ["parent", "base"])
def test_the_penalty_keeps_weights_nearer_to_the_anchor_and_zero_does_not(family, anchor):
    distances = []
    for strength in (0.0, 100.0):
        stage = make_stage(family)
        old = {name: p.detach().clone() for name, p in stage.trainable()}
        method = create("l2sp", {"strength": strength, "anchor": anchor})
        train(stage, method, {**TRAINING, "steps": 12, "learning_rate": 1e-3}, None)
        moved = sum((p - old[n]).square().sum().item() for n, p in stage.trainable())
        distances.append(moved)
    assert distances[1] < 0.5 * distances[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_strength_zero_is_plain_fine_tuning_bit_by_bit(family):
    model, _, _ = two_stages(family, lambda: create("l2sp", {"strength": 0.0, "anchor": "base"}))
    plain, _, _ = two_stages(family, Sequential)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)


def test_parameters_that_the_base_has_not_are_one_sentence():
    stage = make_stage("causal")
    stage.extra = torch.nn.Linear(2, 2)
    with pytest.raises(UserError, match=r"^L2-SP: expected .* 'extra.weight', which the base"):
        create("l2sp", {"anchor": "base"}).before_stage(stage)
    # What the stage adds has a beginning of its own.
    method = create("l2sp", {})
    method.before_stage(stage)
    assert method.step_loss(stage).item() == 0.0
