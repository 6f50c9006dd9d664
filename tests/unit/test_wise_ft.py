"""WiSE-FT: the parent at 0, plain training at 1, the mean by hand between.

With alpha 1 nothing is averaged, and the tests of the parent and of the mean fail.
"""

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage, move, new_model, two_stages

from lethe.methods.registry import create
from lethe.methods.sequential import METHOD as Sequential
from lethe.training.loop import train


def trained(family: str, method, model=None) -> dict[str, torch.Tensor]:
    """The weights after a stage of a method; it starts from the model, which stays as it was."""
    stage = make_stage(family, new_model(family))
    if model is not None:
        stage.model.load_state_dict(model.state_dict())
    train(stage, method, TRAINING, None)
    return {name: p.detach() for name, p in stage.model.named_parameters()}


@pytest.mark.parametrize("family", FAMILIES)
def test_one_is_plain_fine_tuning_and_zero_the_parent_bit_by_bit(family):
    model, _, _ = two_stages(family, lambda: create("wise_ft", {"alpha": 1.0}))
    plain, _, _ = two_stages(family, Sequential)
    unmoved, _, _ = two_stages(family, lambda: create("wise_ft", {"alpha": 0.0}))
    start = new_model(family)
    for (name, one), other in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
        assert torch.equal(unmoved.get_parameter(name), start.get_parameter(name))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("toward", ["parent", "base"])
def test_between_them_it_is_the_weighted_mean(family, toward):
    parent, base = new_model(family), new_model(family)
    move(parent, 0.02)
    plain = trained(family, Sequential(), parent)
    found = trained(family, create("wise_ft", {"alpha": 0.3, "toward": toward}), parent)
    earlier = dict((parent if toward == "parent" else base).named_parameters())
    for name, weights in found.items():
        torch.testing.assert_close(weights, 0.7 * earlier[name].detach() + 0.3 * plain[name])
    assert any(not torch.equal(found[name], plain[name]) for name in plain)


def test_nothing_is_left_for_the_next_stage_but_weights():
    _, first, second = two_stages("causal", lambda: create("wise_ft", {}))
    assert first.state() == second.state() == {}
