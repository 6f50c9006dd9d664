"""EWC: Fisher against a loop, the penalty by hand and at the old optimum, and its state."""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, gradients_of, make_stage, move, two_stages

from lethe.errors import UserError
from lethe.methods.parts.retention.fisher import running_mean
from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training.loop import train


def after_a_stage(family: str, **hyper):
    """A method that has gone through a first stage, and the second stage on its way."""
    first, method = make_stage(family), create("ewc", hyper)
    method.before_stage(first)
    method.after_stage(first)
    second = make_stage(family, first.model, index=2)
    method.before_stage(second)
    return method, first, second


@pytest.mark.parametrize("family", FAMILIES)
def test_fisher_is_the_mean_square_of_each_examples_own_gradient(family):
    method, first, _ = after_a_stage(family, samples=None)
    first.model.eval()
    naive: dict[str, torch.Tensor] = {}
    for example in first.examples:
        (batch,) = first.collate([example])
        found = gradients_of(first.plain_loss(first.model, batch), first.model)
        for name, gradient in found.items():
            naive[name] = naive.get(name, 0) + gradient**2 / len(first.examples)
    assert sum(value.sum() for value in naive.values()) > 0
    for name, value in method.fisher.items():
        torch.testing.assert_close(value, naive.get(name, torch.zeros_like(value)))


@pytest.mark.parametrize("family", FAMILIES)
def test_at_the_old_optimum_penalty_and_gradient_are_zero(family):
    method, _, stage = after_a_stage(family, strength=1e6)
    stage.model.eval()
    penalty = method.step_loss(stage)
    assert penalty.item() == 0.0
    gradients = gradients_of(penalty, stage.model)
    assert gradients and not any(gradient.any() for gradient in gradients.values())


def test_the_penalty_is_that_of_the_formula():
    method, _, stage = after_a_stage("causal", strength=7.0)
    move(stage.model)
    naive = sum(
        (method.fisher[n] * (p.detach() - method.anchor[n]) ** 2).sum().item()
        for n, p in stage.model.named_parameters()
    )
    assert method.step_loss(stage).item() == pytest.approx(3.5 * naive, rel=1e-4)


def test_fisher_is_the_mean_over_stages():
    stages = [{"w": torch.tensor([value])} for value in (3.0, 6.0, 0.0)]
    mean = stages[0]
    for count, newest in enumerate(stages, 1):
        mean = running_mean(mean, newest, count)
    assert mean["w"].item() == pytest.approx(3.0)


def test_a_strong_penalty_keeps_weights_nearer_to_the_old_ones():
    distances = []
    for strength in (0.0, 1e5):
        method, _, stage = after_a_stage("masked", strength=strength)
        old = dict(method.anchor)
        train(stage, method, {**TRAINING, "steps": 12, "learning_rate": 1e-3}, None)
        fisher = method.fisher
        moved = ((p - old[n]) ** 2 * fisher[n] for n, p in stage.model.named_parameters())
        distances.append(sum(part.sum().item() for part in moved))
    assert distances[1] < 0.5 * distances[0]


def test_strength_zero_is_plain_fine_tuning_bit_by_bit():
    model, _, _ = two_stages("causal", lambda: create("ewc", {"strength": 0.0}))
    plain, _, _ = two_stages("causal", Sequential)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_state_is_saved_and_restored_whole():
    method, _, _ = after_a_stage("seq2seq")
    again = create("ewc", {})
    again.load_state(method.state())
    assert again.stages == 1
    for name, value in method.state().items():
        assert torch.equal(value, again.state()[name])


def test_missing_and_unfitting_states_are_sentences():
    method, _, stage = after_a_stage("causal")
    with pytest.raises(UserError, match="holds no Fisher information"):
        create("ewc", {}).before_stage(stage)
    state = method.state()
    name = next(iter(state))
    with pytest.raises(UserError, match="not saved by EWC"):
        create("ewc", {}).load_state({n: v for n, v in state.items() if n != name})
    other = create("ewc", {})
    other.load_state({**state, name: torch.zeros(1)})
    with pytest.raises(UserError, match="does not fit the model"):
        other.before_stage(stage)
