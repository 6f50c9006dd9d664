"""The equations of hard attention: worked numbers and naive formulas."""

import pytest
import torch

from lethe.methods.parts.hard_attention.gates import (
    annealed,
    at_most,
    compensation,
    free_weight,
    gate,
    penalty,
)
from lethe.methods.parts.hard_attention.places import Protection


def test_the_slope_rises_linearly_from_the_inverse_to_the_largest():
    assert annealed(0, 5, 400.0) == 1 / 400
    assert annealed(2, 5, 400.0) == pytest.approx(200.00125)
    assert annealed(4, 5, 400.0) == 400.0
    assert annealed(0, 1, 400.0) == 400.0


def test_compensated_gradients_are_those_without_annealing():
    e = torch.tensor([-1.5, -0.2, 0.0, 0.3, 2.0], dtype=torch.float64, requires_grad=True)
    gate(e, 3.0).sum().backward()
    wanted = 400.0 * torch.sigmoid(e) * (1 - torch.sigmoid(e))
    factor = compensation(e.detach(), 3.0, 400.0, 50.0)
    assert torch.allclose(e.grad * factor, wanted)
    assert torch.isfinite(compensation(torch.full((2,), 6.0), 400.0, 400.0, 50.0)).all()


def test_the_penalty_is_the_share_of_free_units_that_is_taken():
    generator = torch.Generator().manual_seed(0)
    gates = {name: torch.rand(size, generator=generator) for name, size in (("a", 3), ("b", 5))}
    used = {name: torch.rand(len(value), generator=generator) for name, value in gates.items()}
    above = below = 0.0
    for name in gates:
        for unit in range(len(gates[name])):
            free = 1 - used[name][unit].item()
            above, below = above + gates[name][unit].item() * free, below + free
    assert penalty(gates, used).item() == pytest.approx(above / below, abs=1e-6)
    mean = torch.cat(list(gates.values())).mean().item()
    assert penalty(gates, {}).item() == pytest.approx(mean, abs=1e-6)
    everything = {name: torch.ones_like(value) for name, value in gates.items()}
    assert penalty(gates, everything).item() == 0.0


def test_a_weight_is_free_unless_both_of_its_ends_are_used():
    rows, columns = torch.tensor([1.0, 0.0, 0.5]), torch.tensor([1.0, 0.25])
    expected = [[1 - min(r, c) for c in (1.0, 0.25)] for r in (1.0, 0.0, 0.5)]
    assert free_weight(rows, columns, torch.Size((3, 2))).tolist() == expected
    assert free_weight(None, columns, torch.Size((3, 2))).tolist() == [[0.0, 0.75]] * 3
    assert free_weight(rows, None, torch.Size((3, 2)))[:, 1].tolist() == [0.0, 1.0, 0.5]


def test_gradients_are_masked_and_only_what_may_not_change_is_put_back():
    parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))
    protection = Protection({"w": parameter}, {"w": torch.tensor([0.0, 0.25, 1.0])})
    parameter.grad = torch.full((3,), 4.0)
    protection.mask_gradients()
    assert parameter.grad.tolist() == [0.0, 1.0, 4.0]
    parameter.data += 1
    protection.put_back()
    assert parameter.tolist() == [1.0, 3.0, 4.0]


def test_cumulative_masks_are_the_largest_so_far():
    first, second = {"a": torch.tensor([0.0, 1.0, 0.3])}, {"a": torch.tensor([0.2, 0.1, 0.3])}
    assert at_most({}, first)["a"].tolist() == first["a"].tolist()
    assert at_most(first, second)["a"].tolist() == pytest.approx([0.2, 1.0, 0.3])
