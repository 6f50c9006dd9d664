"""EMA: the mean of a naive loop, plain training at decay 0, and no state but in a snapshot.

With decay 0 there is no mean but the last weights, and the test against the loop fails.
"""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage, two_stages

from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training.loop import train


class Recording(Sequential):
    """Plain training that keeps the weights after every step."""

    def __init__(self):
        self.steps = []

    def before_stage(self, stage):
        self.after_update(stage)

    def after_update(self, stage):
        self.steps.append({name: p.detach().double() for name, p in stage.trainable()})


@pytest.mark.parametrize("family", FAMILIES)
def test_the_weights_are_the_mean_of_a_naive_loop_over_plain_steps(family):
    decay, plain = 0.7, Recording()
    train(make_stage(family), plain, TRAINING, None)
    stage = make_stage(family)
    train(stage, create("ema", {"decay": decay}), TRAINING, None)
    assert len(plain.steps) == TRAINING["steps"] + 1
    for name, p in stage.model.named_parameters():
        mean = plain.steps[0][name]
        for step in plain.steps[1:]:
            mean = decay * mean + (1 - decay) * step[name]
        torch.testing.assert_close(p.detach().double(), mean, rtol=1e-5, atol=1e-7)
    name = max(plain.steps[-1], key=lambda n: plain.steps[-1][n].numel())
    assert not torch.allclose(stage.model.get_parameter(name).double(), plain.steps[-1][name])


@pytest.mark.parametrize("family", FAMILIES)
def test_decay_zero_is_plain_fine_tuning_bit_by_bit(family):
    model, _, _ = two_stages(family, lambda: create("ema", {"decay": 0.0}))
    plain, _, _ = two_stages(family, Sequential)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_mean_is_state_while_the_stage_goes_on_and_not_after():
    stage, method = make_stage("causal"), create("ema", {})
    method.before_stage(stage)
    method.after_update(stage)
    saved = {name: value.clone() for name, value in method.state().items()}
    assert saved.keys() == dict(stage.trainable()).keys()
    again = create("ema", {})
    again.before_stage(stage)
    again.load_state({name: value + 1 for name, value in saved.items()})
    assert all(torch.equal(again.state()[name], saved[name] + 1) for name in saved)
    method.after_stage(stage)
    assert method.state() == {}
