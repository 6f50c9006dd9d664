"""Task arithmetic: the base plus scaled changes, each from the base, and their state.

Where stages start from their parents, or the sum has another scale, the tests of the sum fail.
"""

import pytest
import torch
from merging_case import chain, plain_vectors
from retention_case import FAMILIES, make_stage, move, new_model

from lethe.errors import UserError
from lethe.methods.parts.merging.vectors import dropped
from lethe.methods.registry import create


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_is_the_base_plus_the_scaled_sum_of_changes_from_the_base(family):
    base, vectors = plain_vectors(family)
    found, _ = chain("task_arithmetic", family, {"scale": 0.3})
    for count, weights in enumerate(found, 1):
        for name, value in weights.items():
            summed = sum(vector[name] for vector in vectors[:count])
            torch.testing.assert_close(value, base[name] + 0.3 * summed, rtol=1e-5, atol=1e-6)


def test_scale_zero_is_the_base_bit_by_bit_and_scale_one_is_plain_after_one_stage():
    base, vectors = plain_vectors("causal")
    (first, second), _ = chain("task_arithmetic", "causal", {"scale": 0.0})
    assert all(torch.equal(second[name], base[name]) for name in base)
    (first, _), _ = chain("task_arithmetic", "causal", {"scale": 1.0})
    for name, value in first.items():
        torch.testing.assert_close(value, base[name] + vectors[0][name], rtol=1e-6, atol=1e-7)


def test_dropping_keeps_a_share_of_entries_and_the_mean():
    vector = {"w": torch.ones(100, 100), "v": torch.ones(1000)}
    kept = dropped(vector, 0.75, 3)
    assert set(kept["w"].unique().tolist()) == {0.0, 4.0}
    assert kept["w"].mean().item() == pytest.approx(1.0, abs=0.1)
    again, other = dropped(vector, 0.75, 3), dropped(vector, 0.75, 4)
    assert torch.equal(kept["w"], again["w"]) and not torch.equal(kept["w"], other["w"])
    assert dropped(vector, 0.0, 3) is vector


def test_dropped_entries_stay_at_the_base_and_others_move_further():
    base, (vector, _) = plain_vectors("causal")
    (first, _), _ = chain("task_arithmetic", "causal", {"scale": 1.0, "drop": 0.5})
    moved = torch.cat([(first[name] - base[name]).flatten() for name in base])
    full = torch.cat([vector[name].flatten() for name in base])
    stayed = moved == 0
    assert stayed[full != 0].float().mean().item() == pytest.approx(0.5, abs=0.05)
    torch.testing.assert_close(moved[~stayed], 2 * full[~stayed], rtol=1e-3, atol=1e-6)


def test_the_state_is_one_copy_of_the_weights_however_many_stages():
    _, (first, second) = chain("task_arithmetic", "causal", {})
    shapes = {name: value.shape for name, value in first.state().items()}
    assert {name: value.shape for name, value in second.state().items()} == shapes
    assert len(shapes) == len(dict(new_model("causal").named_parameters()))


@pytest.mark.parametrize("name", ["task_arithmetic", "ties"])
def test_missing_foreign_and_unfitting_states_are_sentences(name):
    stage = make_stage("causal", index=2)
    move(stage.model)
    with pytest.raises(UserError, match="holds no task vectors and is not the base itself"):
        create(name, {}).before_stage(stage)
    with pytest.raises(UserError, match="state was not saved by it"):
        create(name, {}).load_state({"fisher.w": torch.zeros(1)})
    _, (first, _) = chain(name, "causal", {})
    method = create(name, {})
    method.load_state({key: value for key, value in first.state().items() if "norm" not in key})
    with pytest.raises(UserError, match="do not fit the model at '.*norm"):
        method.before_stage(make_stage("causal", index=2))


def test_vectors_of_another_shape_are_one_sentence():
    _, (first, _) = chain("task_arithmetic", "causal", {})
    method = create("task_arithmetic", {})
    method.load_state({key: value[..., :1] for key, value in first.state().items()})
    with pytest.raises(UserError, match="do not fit the model at 'model.embed_tokens"):
        method.before_stage(make_stage("causal", index=2))


@pytest.mark.parametrize("name", ["task_arithmetic", "ties"])
def test_a_chain_may_begin_at_a_base_that_has_lived(name):
    """A model tuned before any stage: its first stage has a history, and no task vectors yet."""
    stage, method = make_stage("causal", index=2), create(name, {})
    method.before_stage(stage)
    method.after_stage(stage)
    assert method.state()
