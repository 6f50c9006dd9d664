"""Squash and routing: worked numbers, a naive loop, and what the formulas promise."""

import math

import pytest
import torch

from lethe.methods.parts.knowledge_sharing.capsules import routed, squash


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_squash_keeps_the_direction_and_makes_norms_less_than_one():
    vectors = numbers(50, 3) * 10.0 ** torch.linspace(-3, 3, 50, dtype=torch.float64)[:, None]
    short = squash(vectors)
    assert (short.norm(dim=-1) < 1).all()
    cosines = torch.cosine_similarity(short, vectors, eps=1e-12)
    assert torch.allclose(cosines, torch.ones_like(cosines))
    order = vectors.norm(dim=-1).argsort()
    assert (short.norm(dim=-1)[order].diff() > 0).all()  # longer stays longer


def test_squash_of_three_and_four_has_the_norm_25_26ths():
    assert torch.allclose(squash(torch.tensor([3.0, 4.0])), torch.tensor([15.0, 20.0]) / 26)


def test_squash_of_zero_is_zero_and_has_a_finite_gradient():
    zero = torch.zeros(2, 3, requires_grad=True)
    squash(zero).sum().backward()
    assert not squash(zero).any() and torch.isfinite(zero.grad).all()


def naive(votes, iterations):
    """One set of votes [I][J][size], number by number."""
    lower, upper, size = votes.shape
    agreement = [[0.0] * upper for _ in range(lower)]
    for _ in range(iterations):
        weights = []
        for row in agreement:
            total = sum(math.exp(b) for b in row)
            weights.append([math.exp(b) / total for b in row])
        found = []
        for j in range(upper):
            s = [
                sum(weights[i][j] * votes[i, j, d].item() for i in range(lower))
                for d in range(size)
            ]
            square = sum(x * x for x in s)
            found.append([square / (1 + square) * x / math.sqrt(square) for x in s])
        for i in range(lower):
            for j in range(upper):
                agreement[i][j] += sum(votes[i, j, d].item() * found[j][d] for d in range(size))
    return torch.tensor(found, dtype=torch.float64), torch.tensor(weights, dtype=torch.float64)


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_routing_agrees_with_a_loop_and_its_weights_sum_to_one(iterations):
    votes = 2 * numbers(2, 5, 4, 3, 3)
    upper, weights = routed(votes, iterations)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 5, 4, dtype=torch.float64))
    for row in range(2):
        for position in range(5):
            wanted, shares = naive(votes[row, position], iterations)
            assert torch.allclose(upper[row, position], wanted, atol=1e-9)
            assert torch.allclose(weights[row, position], shares, atol=1e-9)


def test_the_first_iteration_weighs_all_transfer_capsules_alike():
    _, weights = routed(numbers(4, 3, 3), 1)
    assert torch.allclose(weights, torch.full_like(weights, 1 / 3))


def test_routing_favours_the_capsule_on_which_votes_agree():
    votes = torch.zeros(3, 2, 2)
    votes[:, 0] = torch.tensor([1.0, 0.0])  # all say the same
    votes[:, 1] = torch.tensor([[1.0, 0.0], [-0.5, 0.8], [-0.5, -0.8]])  # all say otherwise
    _, weights = routed(votes, 3)
    assert (weights[:, 0] > weights[:, 1]).all()
