"""SLAO: how a stage begins and how it is merged, worked by hand; plain LoRA switched off."""

import pytest
import torch
from lora_chains import chain_of, settings_of
from retention_case import FAMILIES, TRAINING, make_stage
from safetensors.torch import load_file

from lethe.errors import UserError
from lethe.methods.attached import METHOD_STATE
from lethe.methods.registry import create
from lethe.methods.slao import orthonormal_rows
from lethe.models.adapters import WEIGHTS
from lethe.parametrisations import lora
from lethe.training.loop import train


def adapters(model) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Copies of A and B by place."""
    return {
        each.place: (each.down.detach().clone(), each.up.detach().clone())
        for each in lora.factors(model)
    }


def watched(method, seen: dict):
    """The method, which puts the adapters at the start, as trained and as merged into `seen`."""
    begin, merge = method.before_stage, method.after_stage

    def before_stage(stage):
        begin(stage)
        seen["start"] = adapters(stage.model)

    def after_stage(stage):
        seen["tuned"] = adapters(stage.model)
        merge(stage)
        seen["merged"] = adapters(stage.model)

    method.before_stage, method.after_stage = before_stage, after_stage
    return method


def stages_of(family: str, count: int, **hyper) -> list[dict]:
    """What was seen of every stage of a chain in memory."""
    stage, state, chain = make_stage(family), {}, []
    lora.put_on(stage.model, settings_of(), 0)
    for number in range(1, count + 1):
        chain.append({})
        stage.index, method = number, watched(create("slao", hyper), chain[-1])
        method.load_state(state)
        train(stage, method, {**TRAINING, "steps": 4}, None)
        state = method.state()
    return chain


def test_rows_are_orthonormal_span_the_same_space_and_keep_their_side():
    rows = torch.randn(4, 9, generator=torch.Generator().manual_seed(0))
    basis = orthonormal_rows(rows)
    torch.testing.assert_close(basis @ basis.T, torch.eye(4), rtol=0, atol=1e-6)
    torch.testing.assert_close(rows @ basis.T @ basis, rows, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(basis[0], rows[0] / rows[0].norm())
    assert (rows @ basis.T).diagonal().gt(0).all()
    torch.testing.assert_close(orthonormal_rows(basis), basis, rtol=0, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stage_begins_with_the_last_ones_b_and_orthonormal_rows_of_its_a(family):
    first, second, third = stages_of(family, 3)
    for before, after in ((first, second), (second, third)):
        for place, (down, up) in after["start"].items():
            old_down, old_up = before["tuned"][place]
            assert torch.equal(up, old_up)
            assert torch.equal(down, orthonormal_rows(old_down))
            torch.testing.assert_close(down @ down.T, torch.eye(4), rtol=0, atol=1e-5)


def test_b_is_merged_by_the_root_of_the_stages_number_and_a_is_the_newest():
    chain = stages_of("causal", 3)
    for place, (down, merged) in chain[0]["merged"].items():
        assert torch.equal(down, chain[0]["tuned"][place][0])
        assert torch.equal(merged, chain[0]["tuned"][place][1])
        for number in (2, 3):
            seen = chain[number - 1]
            tuned = seen["tuned"][place]
            merged = merged + (tuned[1] - merged) / number**0.5
            torch.testing.assert_close(seen["merged"][place][1], merged)
            assert not torch.allclose(merged, tuned[1], rtol=1e-3)
            assert torch.equal(seen["merged"][place][0], tuned[0])


def test_switched_off_it_is_plain_lora_bit_by_bit_and_else_it_is_not(tmp_path):
    off = {"power": 0.0, "orthogonal": False}
    weights = {}
    for name, method, hyper in (
        ("plain", "sequential", {}),
        ("off", "slao", off),
        ("on", "slao", {}),
    ):
        last = chain_of(tmp_path / name, method, hyper, "same")[-1]
        weights[name] = load_file(last / WEIGHTS)
    assert all(torch.equal(weights["off"][n], value) for n, value in weights["plain"].items())
    differing = [
        n for n, value in weights["plain"].items() if not torch.equal(weights["on"][n], value)
    ]
    assert len(differing) == len(weights["plain"])


def test_a_checkpoint_holds_the_merged_adapter_and_the_last_b(tmp_path):
    first, second = chain_of(tmp_path, "slao", {}, "same")
    merged, tuned = load_file(second / WEIGHTS), load_file(second / METHOD_STATE)
    before = load_file(first / WEIGHTS)
    assert int(tuned.pop("stages")) == 2
    for name, value in tuned.items():
        key = f"base_model.model.{name.removeprefix('tuned.')}.lora_B.weight"
        expected = before[key] + (value - before[key]) / 2**0.5
        torch.testing.assert_close(merged[key], expected)


def test_a_chain_that_began_without_it_is_one_sentence():
    stage = make_stage("causal", index=2)
    with pytest.raises(UserError, match="'slao' trains adapters, and found none"):
        create("slao", {}).before_stage(stage)
    lora.put_on(stage.model, settings_of(), 0)
    with pytest.raises(UserError, match="train the whole chain of stages with this method"):
        create("slao", {}).before_stage(stage)
    with pytest.raises(UserError, match="Expected `stages` in the state of method 'slao'"):
        create("slao", {}).load_state({"fisher.x": torch.ones(1)})
