"""The contrast of Eq. 7: naive loops, which pairs are positives, pooling."""

import math

import pytest
import torch

from lethe.methods.parts.softmask.contrast import contrast, pairs, pooled


def naive(full, plus, previous, temperature):
    def similarity(a, b):
        a, b = a.double(), b.double()
        return float(a @ b / (a.norm() * b.norm())) / temperature

    total = 0.0
    for n in range(len(full)):
        columns = [similarity(full[n], row) for row in plus]
        columns += [] if previous is None else [similarity(full[n], row) for row in previous]
        total -= math.log(math.exp(columns[n]) / sum(map(math.exp, columns)))
    return total / len(full)


@pytest.fixture
def views():
    torch.manual_seed(0)
    full = torch.randn(6, 8)
    return full, full + 0.05 * torch.randn(6, 8), torch.randn(6, 8)


def test_the_contrast_is_the_double_loop(views):
    for previous in (views[2], None):
        expected = naive(views[0], views[1], previous, 0.05)
        found = contrast(views[0], views[1], previous, 0.05).item()
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert contrast(views[0], views[1], previous, 0.05).item() == found


def test_right_pairs_cost_less_than_shuffled_ones(views):
    full, plus, previous = views
    right = contrast(full, plus, previous, 0.05)
    assert right < 0.1 < contrast(full, plus.roll(1, 0), previous, 0.05)


def test_what_resembles_the_previous_knowledge_costs_more(views):
    full, plus, previous = views
    assert contrast(full, plus, full, 0.05) > contrast(full, plus, previous, 0.05)
    # Identical views and previous of one sample: log 2 for the one positive among two columns.
    one = full[:1]
    assert contrast(one, one, one, 0.05).item() == pytest.approx(math.log(2))


def test_the_released_pairing_takes_neighbours_for_positives(views):
    full, plus, previous = views
    assert pairs(full, plus, "same") == (full, plus)
    first, second = pairs(full, plus, "released")
    assert torch.equal(first, torch.cat([full[0::2], plus[0::2]]))
    assert torch.equal(second, torch.cat([full[1::2], plus[1::2]]))
    assert contrast(first, second, previous, 0.05) > contrast(full, plus, previous, 0.05)


def test_pooling_is_the_mean_over_tokens_only():
    states = torch.arange(12.0).reshape(2, 3, 2)
    tokens = torch.tensor([[True, True, False], [True, False, False]])
    found = pooled(states, tokens)
    assert torch.equal(found, torch.tensor([[1.0, 2.0], [6.0, 7.0]]))
    assert torch.equal(pooled(states, torch.zeros(2, 3)), torch.zeros(2, 2))
