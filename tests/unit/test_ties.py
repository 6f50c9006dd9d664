"""TIES: trimmed, elected and averaged as by hand and by a naive loop over entries.

Without the trim (density 1) or without the election the tests against hand and loop fail.
"""

import pytest
import torch
from merging_case import chain, plain_vectors
from retention_case import FAMILIES

from lethe.errors import UserError
from lethe.methods.parts.merging.vectors import merged_by_sign, trimmed
from lethe.methods.registry import create
from lethe.methods.ties import dense, sparse


def test_a_worked_merge():
    """Places: all agree; two against one; the larger one wins; a tie; one alone; none."""
    vectors = torch.tensor(
        [
            [1.0, 1.0, 3.0, 2.0, 0.0, 0.0],
            [2.0, -1.0, -1.0, -2.0, 5.0, 0.0],
            [3.0, -2.0, -1.0, 0.0, 0.0, 0.0],
        ]
    )
    assert merged_by_sign(list(vectors)).tolist() == [2.0, -1.5, 3.0, 0.0, 5.0, 0.0]


def test_a_worked_trim_is_over_the_whole_vector():
    vector = {"a": torch.tensor([5.0, -4.0, 3.0]), "b": torch.tensor([[0.1, -0.2]])}
    kept = trimmed(vector, 0.4)
    assert kept["a"].tolist() == [5.0, -4.0, 0.0]
    assert kept["b"].tolist() == [[0.0, 0.0]]
    assert trimmed(vector, 0.01)["a"].tolist() == [5.0, 0.0, 0.0]
    whole = trimmed(vector, 1.0)
    assert all(torch.equal(whole[name], vector[name]) for name in vector)


def naive(vectors: list[dict], density: float) -> dict:
    """Entry by entry, with Python's numbers."""
    flat = [
        [x for name in sorted(vector) for x in vector[name].flatten().tolist()]
        for vector in vectors
    ]
    for entries in flat:
        order = sorted(range(len(entries)), key=lambda place: -abs(entries[place]))
        for place in order[round(density * len(entries)) :]:
            entries[place] = 0.0
    merged = []
    for places in zip(*flat, strict=True):
        agreeing = [x for x in places if x * sum(places) > 0]
        merged.append(sum(agreeing) / len(agreeing) if agreeing else 0.0)
    parts, start = {}, 0
    for name in sorted(vectors[0]):
        shape = vectors[0][name].shape
        parts[name] = torch.tensor(merged[start : start + shape.numel()]).reshape(shape)
        start += shape.numel()
    return parts


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_is_the_base_plus_what_a_naive_loop_merges(family):
    base, vectors = plain_vectors(family)
    found, _ = chain("ties", family, {"scale": 0.8, "density": 0.3})
    for count, weights in enumerate(found, 1):
        merged = naive(vectors[:count], 0.3)
        assert any(value.any() for value in merged.values())
        for name, value in weights.items():
            torch.testing.assert_close(value, base[name] + 0.8 * merged[name], rtol=1e-5, atol=1e-6)


def test_scale_zero_is_the_base_bit_by_bit_and_one_whole_vector_is_plain():
    base, vectors = plain_vectors("causal")
    (_, second), _ = chain("ties", "causal", {"scale": 0.0})
    assert all(torch.equal(second[name], base[name]) for name in base)
    (first, _), _ = chain("ties", "causal", {"density": 1.0})
    for name, value in first.items():
        torch.testing.assert_close(value, base[name] + vectors[0][name], rtol=1e-6, atol=1e-7)


def test_the_state_grows_by_the_trimmed_share_a_stage():
    base, _ = plain_vectors("causal")
    _, methods = chain("ties", "causal", {"density": 0.1})
    entries = sum(value.numel() for value in base.values())
    for count, method in enumerate(methods, 1):
        held = sum(v.numel() for name, v in method.state().items() if name.endswith("/values"))
        assert held == pytest.approx(count * 0.1 * entries, rel=0.01)


def test_vectors_survive_their_sparse_form():
    for tensor in (torch.zeros(2, 3), torch.tensor([[0.0, -1.5], [2.0, 0.0]]), torch.ones(4)):
        assert torch.equal(dense(sparse(tensor)), tensor)


def test_a_state_with_a_part_missing_is_one_sentence():
    _, (first, _) = chain("ties", "causal", {})
    state = first.state()
    del state[next(name for name in state if name.endswith("/places"))]
    with pytest.raises(UserError, match="^TIES: the tensors .* do not fit together"):
        create("ties", {}).load_state(state)
