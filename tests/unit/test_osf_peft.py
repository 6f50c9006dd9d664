"""PEFT's own OSF in the loop: the same network at first, projected gradients, a plain one after."""

import pytest
import torch
from plain_reference import random_model
from retention_case import FAMILIES, TRAINING, make_stage, new_model, two_stages
from test_method_demands import plan_of
from torch import nn

from lethe.errors import UserError
from lethe.methods.parts.subspace.directions import matrices
from lethe.methods.registry import create
from lethe.training.loop import add_gradients, train

FLOAT32 = {"dtype": "float32"}


def logits(stage) -> torch.Tensor:
    stage.model.eval()
    with torch.no_grad():
        return stage.plain_loss(stage.model, stage.collate(stage.examples)[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_network_is_the_same_before_the_first_step_and_after_it_is_plain_again(family):
    stage, method = make_stage(family), create("osf_peft", {})
    names, wanted = dict(stage.model.named_parameters()).keys(), logits(stage)
    method.before_stage(stage)
    torch.testing.assert_close(logits(stage), wanted, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        for _, parameter in stage.trainable():
            parameter.mul_(1.1)
    attached = logits(stage)
    assert abs(attached - wanted) > 1e-3
    method.after_stage(stage)
    torch.testing.assert_close(logits(stage), attached, rtol=1e-5, atol=1e-6)
    assert dict(stage.model.named_parameters()).keys() == names
    trained = {name for name, _ in stage.trainable()}
    assert trained == {f"{name}.weight" for name in method.directions}


def sides_of_gradients(hooks: bool) -> float:
    """The largest |U_k^T g| / |g| of the gradients of U over the layers."""
    stage, method = make_stage("causal"), create("osf_peft", {})
    method.before_stage(stage)
    if not hooks:
        for layer in method.layers.values():
            layer._detach_hooks()
    add_gradients(stage, method, FLOAT32, stage.collate(stage.examples, 0))
    gradients, shares = stage.gradients(), []
    for name, directions in method.directions.items():
        gradient = gradients[f"{name}.osf_svd_params.default.U_low"]
        shares.append(float((directions.left.T @ gradient).norm() / gradient.norm()))
    return max(shares)


def test_gradients_have_no_part_in_the_kept_directions_but_without_the_hooks_they_have():
    assert sides_of_gradients(hooks=True) < 1e-5
    assert sides_of_gradients(hooks=False) > 0.1


def leak(name: str, **hyper) -> dict[str, float]:
    stage, method = make_stage("causal"), create(name, hyper)
    stage.steps = 12
    return train(stage, method, {**TRAINING, "steps": 12}, None).leak


def test_under_adamw_it_leaks_and_ours_with_the_same_parameters_does_not():
    theirs, ours = leak("osf_peft"), leak("osf", others="frozen")
    assert 0.1 < theirs["leak.stage"] < theirs["leak.undirected"]
    assert 0.1 < theirs["leak.step"]
    assert ours["leak.stage"] < 1e-5
    assert ours["leak.parameters"] == theirs["leak.parameters"]
    assert ours["leak.undirected"] == pytest.approx(theirs["leak.undirected"], abs=0.02)


def test_all_else_stays_as_it_was_and_a_chain_goes_on():
    model, _, _ = two_stages("causal", lambda: create("osf_peft", {}))
    start = dict(new_model("causal").named_parameters())
    trained = dict(matrices(model))
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, start[name]) != (name in trained), name
    assert all(type(m) is nn.Linear for m in model.modules() if isinstance(m, nn.Linear))


def test_a_share_that_keeps_no_direction_is_one_sentence():
    with pytest.raises(UserError, match="whose smallest side has 16, found 0.01; raise it"):
        create("osf_peft", {"share": 0.01}).before_stage(make_stage("causal"))
    # Of a base that is built here or at hand, a check knows it.
    with pytest.raises(UserError, match="^methods.mine.hyper.share: .*, found 0.001; raise it"):
        plan_of("xs", "forward", "osf_peft", {"share": 0.001})
    assert plan_of("xs", "forward", "osf_peft", {"share": 0.5}).of_kind("stage")


def test_a_model_without_linear_layers_is_one_sentence():
    stage = make_stage("causal")
    stage.model = random_model("gpt2")
    with pytest.raises(UserError, match="type 'gpt2' has none; use the method `osf`"):
        create("osf_peft", {}).before_stage(stage)
