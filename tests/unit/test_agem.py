"""A-GEM: after the projection no step raises the loss on the replayed examples, to first order."""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage, move, two_stages

from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training.loop import add_gradients, train


def gradients(family: str, sign: float = 1.0, **hyper):
    """A second stage's gradients after the projection, those before it, and the reference's.

    sign: -1 turns the stage's loss round, so that it is certain to be at odds with the reference,
    whose examples are then its own.
    """
    own = make_stage(family).examples
    stage = make_stage(family, index=2, earlier=[own])
    stage.examples = own
    method = create("agem", hyper)
    method.before_stage(stage)
    move(stage.model)
    stage.model.eval()
    method.loss = lambda stage, batch: sign * stage.plain_loss(stage.model, batch)
    add_gradients(stage, method, {"dtype": "float32"}, stage.collate(stage.examples))
    before = {name: g.clone() for name, g in stage.gradients().items()}
    reference = method.reference_gradient(stage)
    method.after_backward(stage)
    return stage.gradients(), before, reference, method


def dot(one: dict, other: dict) -> float:
    return sum((one[name].double() * other[name].double()).sum().item() for name in other)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_gradient_at_odds_with_the_reference_is_projected_onto_its_border(family):
    """Eq. 11 by hand; with the projection switched off the product stays negative."""
    after, before, reference, method = gradients(family, sign=-1.0)
    product, square = dot(before, reference), dot(reference, reference)
    assert product < -0.01 * square
    assert abs(dot(after, reference)) < 1e-5 * square
    for name, r in reference.items():
        torch.testing.assert_close(after[name], before[name] - product / square * r)
    assert method.counts.tolist() == [1, 1]
    off, *_ = gradients(family, sign=-1.0, project=False)
    assert dot(off, reference) == pytest.approx(product)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_conflict_the_gradient_is_unchanged_bit_by_bit(family):
    after, before, reference, method = gradients(family)
    assert dot(before, reference) > 0
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert method.record()["agem.projected"] == 0


def test_a_parameter_that_the_stages_own_loss_does_not_reach_is_projected_too():
    stage = make_stage("causal", index=2, earlier=[make_stage("causal").examples])
    method = create("agem", {})
    method.before_stage(stage)
    reference = method.reference_gradient(stage)
    method.reference = dict(reference)
    parameters = dict(stage.trainable())
    first = next(iter(reference))
    for name, r in reference.items():
        parameters[name].grad = None if name == first else -r.clone()
    method.after_backward(stage)
    assert (parameters[first].grad * reference[first]).sum() > 0
    assert abs(dot(stage.gradients(), reference)) < 1e-5 * dot(reference, reference)


@pytest.mark.parametrize("family", FAMILIES)
def test_switched_off_it_is_plain_fine_tuning_bit_by_bit(family):
    model, *_ = two_stages(family, lambda: create("agem", {"project": False}))
    plain, *_ = two_stages(family, Sequential)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)


def conflicting(family: str = "causal"):
    """A second stage that teaches other labels of the same inputs, where many steps conflict."""
    earlier = make_stage(family).examples
    stage = make_stage(family, index=2, earlier=[earlier])
    train(stage, Sequential(), {**TRAINING, "steps": 10}, None)
    stage.steps = 30
    return stage


def test_a_chain_records_how_often_it_projected_and_an_interrupted_stage_goes_on_counting():
    stage = conflicting()
    method = create("agem", {})
    train(stage, method, {**TRAINING, "steps": 30}, None)
    share = method.record()["agem.projected"].item()
    assert 0 < share < 1 and method.counts[1] == 30
    again = create("agem", {})
    again.before_stage(conflicting())
    again.load_state(method.state())
    assert again.record() == method.record()
    assert create("agem", {}).record() == {}


def test_memory_that_is_saved_by_computing_again_changes_nothing():
    weights = []
    for again in (True, False):
        stage = make_stage("causal", index=2, earlier=[make_stage("causal").examples])
        if again:
            stage.model.activation_checkpointing_enable()
        train(stage, create("agem", {}), TRAINING, None)
        weights.append([parameter.detach().clone() for parameter in stage.model.parameters()])
    assert all(torch.equal(*pair) for pair in zip(*weights, strict=True))
