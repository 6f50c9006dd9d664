"""KD: zero with zero gradient at the teacher, positive elsewhere, and a formula by hand.

With weight 0, the parent as the teacher, or the target kept, the tests of each fail.
"""

import math

import pytest
import torch
from retention_case import FAMILIES, gradients_of, make_stage, move, new_model, two_stages

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


@pytest.mark.parametrize("target", ["kept", "removed"])
@pytest.mark.parametrize("family", FAMILIES)
def test_one_pass_of_the_network_gives_the_loss_and_gradients_of_two(family, target):
    stage, method = make_stage(family), create("kd", {"weight": 0.5, "target": target})
    method.before_stage(stage)
    move(stage.model)
    batch = stage.collate(stage.examples)[0]
    two = stage.plain_loss(stage.model, batch) + 0.5 * method.distance(stage, batch)
    expected = gradients_of(two, stage.model)
    passes = []
    stage.model.get_input_embeddings().register_forward_hook(lambda *_: passes.append(1))
    a_pass = stage.plain_loss(stage.model, batch) and len(passes)
    passes.clear()
    one = method.loss(stage, batch)
    assert len(passes) == a_pass
    assert one.item() == pytest.approx(two.item(), rel=1e-6)
    for name, gradient in gradients_of(one, stage.model).items():
        assert torch.allclose(gradient, expected[name], atol=1e-6)


def test_a_worked_divergence():
    """KL((1/2, 1/2) || (1/4, 3/4)) = 1/2 ln(4/3) = 0.1438 nats."""
    student = torch.tensor([[1.0, 3.0]]).log()
    found = divergence(student, torch.zeros(1, 2), torch.ones(1), 1.0)
    assert found.item() == pytest.approx(0.1438, abs=1e-4)


def test_a_worked_divergence_without_the_labels_token():
    """Of (1/2, 1/4, 1/4) and (1/4, 1/4, 1/2) without the first: KL((1/2, 1/2) || (1/3, 2/3))."""
    student, teacher = (torch.tensor([row]).log() for row in ([0.25, 0.25, 0.5], [0.5, 0.25, 0.25]))
    found = divergence(student, teacher, torch.ones(1), 1.0, torch.tensor([0]))
    assert found.item() == pytest.approx(0.5 * math.log(9 / 8), abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_with_the_target_removed_the_loss_is_the_renormalised_formula(family):
    hyper = {"weight": 0.5, "temperature": 2.0, "teacher": "base", "target": "removed"}
    stage, method = make_stage(family), create("kd", hyper)
    method.before_stage(stage)
    move(stage.model)
    batch = stage.collate(stage.examples)[0]
    expected = stage.plain_loss(stage.model, batch)
    scores = label_logits(stage.load_base(), batch), label_logits(stage.model, batch)
    for n, target in enumerate(batch.targets.tolist()):
        others = [v for v in range(scores[0].shape[1]) if v != target]
        teacher, student = ((of[n, others] / 2).softmax(-1) for of in scores)
        expected = expected + 2 * batch.weights[n] * (teacher * (teacher / student).log()).sum()
    assert method.loss(stage, batch).item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_with_the_target_removed_the_distance_does_not_see_the_targets_score(family):
    stage, method = make_stage(family), create("kd", {"target": "removed"})
    method.before_stage(stage)
    batch = stage.collate(stage.examples)[0]
    scores = label_logits(stage.model, batch).detach()
    raised = scores.scatter_add(1, batch.targets[:, None], torch.full_like(scores, 3.0))
    apart = divergence(raised, scores, batch.weights, 1.0, batch.targets)
    assert apart.item() == pytest.approx(0.0, abs=1e-6)
    assert divergence(raised, scores, batch.weights, 1.0).item() > 1e-2
    at_teacher = gradients_of(method.distance(stage, batch), stage.model)
    assert max(gradient.abs().max() for gradient in at_teacher.values()) < 1e-5
    move(stage.model)
    moved = gradients_of(method.distance(stage, batch), stage.model)
    assert all(gradient.isfinite().all() for gradient in moved.values())
    assert max(gradient.abs().max() for gradient in moved.values()) > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_the_teacher_is_the_parent_or_the_base(family):
    parent = new_model(family)
    move(parent)
    stage = make_stage(family, parent)
    batch = stage.collate(stage.examples)[0]
    stage.model.eval()
    far = {}
    for teacher in ("parent", "base"):
        method = create("kd", {"teacher": teacher})
        method.before_stage(stage)
        far[teacher] = method.distance(stage, batch).item()
    assert far["parent"] == pytest.approx(0.0, abs=1e-6)
    assert far["base"] > 1e-4


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
