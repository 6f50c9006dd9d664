"""The optimizer's kernel called directly updates as torch's own AdamW does, to the last bit."""

import copy

import torch
from torch import nn

from lethe.training.optimizer import DirectAdamW

SETTINGS = {"lr": 1e-2, "betas": (0.9, 0.98), "eps": 1e-7, "fused": True}


def groups(model):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    return [
        {"params": matrices, "weight_decay": 0.1, "eps": 1e-3},
        {"params": vectors, "weight_decay": 0.0},
    ]


def trained(optimizer_class, model, steps, state=None, first=0):
    optimizer = optimizer_class(groups(model), **SETTINGS)
    if state is not None:
        optimizer.load_state_dict(state)
    for step in range(first, steps):
        torch.manual_seed(step)
        for number, parameter in enumerate(model.parameters()):
            # A parameter without a gradient is left alone, also from a later step on.
            absent = (number + step) % 5 == 0
            parameter.grad = None if absent else torch.randn_like(parameter)
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 / (step + 1)
        optimizer.step()
    return optimizer


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(7, 5), nn.Linear(5, 3), nn.LayerNorm(3))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_ten_steps_are_those_of_torch():
    one, other = network(), network()
    trained(DirectAdamW, one, 10)
    trained(torch.optim.AdamW, other, 10)
    assert same(one, other)


def test_a_state_of_torch_is_continued_as_torch_continues_it():
    one = network()
    state = trained(torch.optim.AdamW, one, 4).state_dict()
    other, twin = copy.deepcopy(one), copy.deepcopy(one)
    trained(DirectAdamW, other, 9, copy.deepcopy(state), first=4)
    trained(torch.optim.AdamW, twin, 9, copy.deepcopy(state), first=4)
    assert same(other, twin) and not same(one, other)


def test_a_group_without_gradients_is_left_alone():
    one, twin = network(), network()
    for optimizer_class, model in ((DirectAdamW, one), (torch.optim.AdamW, twin)):
        optimizer = optimizer_class(groups(model), **SETTINGS)
        for _ in range(3):
            for parameter in optimizer.param_groups[0]["params"]:
                parameter.grad = torch.ones_like(parameter)
            optimizer.step()
    assert same(one, twin) and not same(one, network())
