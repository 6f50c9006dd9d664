"""The contrast of CLASSIC: naive references, and what attention and temperature do."""

import math

import pytest
import torch

from lethe.methods.parts.knowledge_sharing.contrast import mixed, new_attention, two_view_contrast


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator)


def naive(one, other, temperature):
    views = [*one, *other]
    count, total = len(one), 0.0
    for a in range(2 * count):
        scores = {
            b: torch.cosine_similarity(views[a], views[b], dim=0).item() / temperature
            for b in range(2 * count)
            if b != a
        }
        above = math.exp(scores[(a + count) % (2 * count)])
        total -= math.log(above / sum(math.exp(score) for score in scores.values()))
    return total / (2 * count)


@pytest.mark.parametrize("temperature", [1.0, 0.05])
def test_the_contrast_agrees_with_a_double_loop(temperature):
    one, other = numbers(5, 8), numbers(5, 8, seed=1)
    found = two_view_contrast(one, other, temperature).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert two_view_contrast(one, other, temperature).item() == found
    assert found == pytest.approx(naive(one, other, temperature), rel=1e-5)


def test_the_contrast_is_symmetric_and_one_text_alone_has_none():
    one, other = numbers(4, 8), numbers(4, 8, seed=1)
    swapped = two_view_contrast(other, one, 1.0)
    assert torch.allclose(two_view_contrast(one, other, 1.0), swapped)
    assert two_view_contrast(one[:1], other[:1], 1.0).item() == 0.0


def test_the_contrast_is_least_where_a_texts_two_views_are_one():
    one = torch.eye(4)
    assert two_view_contrast(one, one, 1.0) < two_view_contrast(one, one.roll(1, 0), 1.0)
    wanted = -math.log(math.e / (math.e + 6))  # of seven others six are at a right angle
    assert two_view_contrast(one, one, 1.0).item() == pytest.approx(wanted, rel=1e-5)


def test_the_mix_agrees_with_a_loop_and_its_weights_sum_to_one():
    current, earlier = numbers(4, 8), numbers(4, 3, 8, seed=1)
    query, key = numbers(5, 8, seed=2), numbers(5, 8, seed=3)
    mix, weights = mixed(current, earlier, query, key)
    assert torch.allclose(weights.sum(-1), torch.ones(4))
    for row in range(4):
        asked = query @ current[row]
        scores = [((key @ one) @ asked).item() / math.sqrt(5) for one in earlier[row]]
        total = sum(math.exp(score) for score in scores)
        wanted = sum(math.exp(s) / total * one for s, one in zip(scores, earlier[row], strict=True))
        assert torch.allclose(mix[row], wanted, atol=1e-5)


def test_one_earlier_domain_is_its_own_mix():
    current, earlier = numbers(4, 8), numbers(4, 1, 8, seed=1)
    maps = new_attention(8, 4, seed=0)
    mix, _ = mixed(current, earlier, maps["query"].weight, maps["key"].weight)
    assert torch.equal(mix, earlier[:, 0])


def test_attention_is_drawn_from_its_seed_alone():
    one, same, other = (new_attention(8, 4, seed)["key"].weight for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)
