"""KD: zero with zero gradient at the teacher, positive elsewhere, and a formula by hand."""

import pytest
import torch
from retention_case import FAMILIES, gradients_of, make_stage, move, two_stages

from lethe.methods.parts.retention.distillation import divergence
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.models.forward import label_logits

CASES = [(family, "logits") for family in FAMILIES] + [("masked", "hidden")]


@pytest.mark.parametrize(("family", "compare"), CASES)
def test_at_the_teacher_distance_and_gradient_are_zero_and_elsewhere_not(family, compare):
    stage, method = make_stage(family), create("kd", {"compare": compare})
    method.before_stage(stage)
    batch = stage.collate(stage.examples)[0]
    distance = method.distance(stage, batch)
    assert distance.item() == pytest.approx(0.0, abs=1e-6)
    at_teacher = gradients_of(distance, stage.model)
    assert max(gradient.abs().max() for gradient in at_teacher.values()) < 1e-5
    move(stage.model)
    distance = method.distance(stage, batch)
    assert distance.item() > 1e-4
    moved = gradients_of(distance, stage.model)
    assert max(gradient.abs().max() for gradient in moved.values()) > 1e-3
    assert all(p.grad is None for p in method.teacher.parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_is_plain_plus_weighted_divergence_by_hand(family):
    stage, method = make_stage(family), create("kd", {"weight": 0.5, "temperature": 2.0})
    method.before_stage(stage)
    move(stage.model)
    batch = stage.collate(stage.examples)[0]
    teacher = (label_logits(method.teacher, batch) / 2).softmax(-1)
    student = (label_logits(stage.model, batch) / 2).softmax(-1)
    each = (teacher * (teacher / student).log()).sum(-1)
    expected = stage.plain_loss(stage.model, batch) + 0.5 * 4 * (batch.weights * each).sum()
    assert method.loss(stage, batch).item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_worked_divergence():
    """KL((1/2, 1/2) || (1/4, 3/4)) = 1/2 ln(4/3) = 0.1438 nats."""
    student = torch.tensor([[1.0, 3.0]]).log()
    found = divergence(student, torch.zeros(1, 2), torch.ones(1), 1.0)
    assert found.item() == pytest.approx(0.1438, abs=1e-4)


def test_distances_of_micro_batches_add_up():
    stage, method = make_stage("causal"), create("kd", {})
    whole = make_stage("causal", micro_batch_rows=None)
    method.before_stage(stage)
    move(stage.model)
    parts = [method.distance(stage, part).item() for part in stage.collate(stage.examples)]
    (batch,) = whole.collate(stage.examples)
    assert sum(parts) == pytest.approx(method.distance(stage, batch).item(), rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_weight_zero_is_plain_fine_tuning_bit_by_bit(family):
    model, _, _ = two_stages(family, lambda: create("kd", {"weight": 0.0}))
    plain, _, _ = two_stages(family, Sequential)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
