"""Stages with LoRA: checkpoints that hold the adapter alone, resuming, ways to go on."""

import json

import pytest
import torch
from lora_case import CHAINS, SPEC, spec
from retention_case import make_stage, new_model
from small_nodes import make_nodes, stage_spec

from lethe.data.draws import seed_of
from lethe.errors import Stopped, UserError
from lethe.evaluation.targets import find_target
from lethe.models.forward import token_losses
from lethe.models.weights import shapes_of
from lethe.parametrisations import composed, lora
from lethe.parametrisations.parametrised import parametrisation_of, parametrised
from lethe.sources.hub.copies import HubCopies
from lethe.training import stage as stage_module
from lethe.training.stage import INITIAL, train_stage


@pytest.fixture
def results(tmp_path):
    make_nodes(tmp_path)
    return tmp_path


def run(results, node, chain="same", parent="base", task="one", history=("one",), **more):
    changes = {"parametrisation": spec(chain=chain), "parent": parent, "history": list(history)}
    seconds = more.pop("snapshot_seconds", 1e9)
    return train_stage(node, stage_spec(task, **changes, **more), results, "code", seconds)


def two_stages(results, chain):
    run(results, "first", chain)
    run(results, "second", chain, "first", "two", ("one", "two"))
    return results / "stages" / "first", results / "stages" / "second"


@pytest.mark.parametrize("chain", CHAINS)
def test_attached_and_merged_adapters_give_equal_log_likelihoods(results, chain):
    _, second = two_stages(results, chain)
    (batch,) = make_stage("causal", micro_batch_rows=None).collate(
        list(make_stage("causal").examples)
    )
    merged = composed.load_checkpoint(second).eval()
    if chain == "fresh":
        attached = composed.load_checkpoint(results / "stages" / "first")
        lora.load_into(lora.put_on(attached, spec(), 0), second)
    else:
        attached = parametrisation_of(spec(chain=chain)).start(second, 0)
    assert any(".lora_" in name for name, _ in attached.named_parameters())
    assert not any(".lora_" in name for name, _ in merged.named_parameters())
    ours, theirs = token_losses(attached.eval(), batch), token_losses(merged, batch)
    assert torch.allclose(ours, theirs, atol=1e-5)
    plain = composed.load_checkpoint(results / "bases" / "base").eval()
    assert not torch.allclose(token_losses(plain, batch), theirs, atol=1e-3)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_checkpoint_is_the_adapter_alone_in_pefts_own_format(results, chain):
    from peft import PeftModel

    first, second = two_stages(results, chain)
    for folder, base in ((first, results / "bases" / "base"), (second, None)):
        assert not (folder / "model.safetensors").exists()
        named = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
        carrier = (folder / named).resolve()
        assert carrier == (base or composed.carrier_of(folder)).resolve()
        theirs = PeftModel.from_pretrained(composed.load_checkpoint(carrier), folder)
        ours = composed.load_checkpoint(folder).state_dict()
        for name, value in theirs.merge_and_unload().state_dict().items():
            assert torch.allclose(value, ours[name], atol=1e-6)
    expected = {"same": "base", "fresh": "first", "one-a-task": "first"}[chain]
    assert composed.carrier_of(second).name == expected


def test_the_same_adapter_goes_on_from_where_it_was(results):
    first, _ = two_stages(results, "same")
    going_on = parametrisation_of(SPEC).start(first, 5)
    names = [factor.adapter for factor in lora.factors(going_on)]
    assert set(names) == {"default"}
    assert any(factor.up.abs().max() > 0 for factor in lora.factors(going_on))


def test_a_fresh_adapter_begins_at_the_merged_weights(results):
    first, _ = two_stages(results, "fresh")
    fresh = parametrisation_of(spec(chain="fresh")).start(first, 5)
    assert all(factor.up.abs().max() == 0 for factor in lora.factors(fresh))
    merged = composed.load_checkpoint(first).state_dict()
    for name, value in fresh.state_dict().items():
        if ".lora_" not in name:
            assert torch.equal(value, merged[name.replace(".base_layer", "")])


def test_one_adapter_a_task_stays_on_frozen_and_as_it_was(results):
    first, second = two_stages(results, "one-a-task")
    third = parametrisation_of(spec(chain="one-a-task")).start(second, 5)
    by_name: dict[str, list] = {}
    for factor in lora.factors(third):
        by_name.setdefault(factor.adapter, []).append(factor)
    assert list(by_name) == ["stage1", "stage2", "default"]
    for name, found in by_name.items():
        assert all(f.up.requires_grad == f.down.requires_grad == (name == "default") for f in found)
    alone = parametrisation_of(spec(chain="same")).apply(
        composed.load_checkpoint(results / "bases" / "base"), 0
    )
    lora.load_into(alone, first)
    for ours, theirs in zip(by_name["stage1"], lora.factors(alone), strict=True):
        assert torch.equal(ours.up, theirs.up) and torch.equal(ours.down, theirs.down)


@pytest.mark.parametrize("chain", CHAINS)
def test_an_interrupted_stage_goes_on_to_the_same_bits(results, chain, monkeypatch):
    run(results, "first", chain)
    arguments = (chain, "first", "two", ("one", "two"))
    whole = run(results, "whole", *arguments)
    taken, calls = stage_module.train.__globals__["take_step"], []

    def counted(stage, *rest):
        calls.append(stage.step)
        if len(calls) == 5:
            raise Stopped("cut")
        return taken(stage, *rest)

    monkeypatch.setitem(stage_module.train.__globals__, "take_step", counted)
    with pytest.raises(Stopped):
        run(results, "cut", *arguments, snapshot_seconds=1e-9)
    monkeypatch.setitem(stage_module.train.__globals__, "take_step", taken)
    held = shapes_of(results / "work" / "cut" / "snapshot.safetensors")
    assert {".lora_" in name for name in held if name.startswith("model/")} == {True}
    assert not any("stage1" in name for name in held)
    again = run(results, "cut", *arguments)
    name = "adapter_model.safetensors"
    assert again["files"][name]["sha256"] == whole["files"][name]["sha256"]


def test_the_manifest_counts_what_is_trained_beside_the_models_own_parameters(results):
    full = train_stage("full", stage_spec(), results, "code", 1e9)
    ours = run(results, "first")
    assert full["trained"] == full["parameters"] == ours["parameters"]
    assert 0 < ours["trained"] < ours["parameters"]
    assert full["flops"] == 6 * full["tokens"] * full["parameters"]
    assert ours["flops"] == ours["tokens"] * (4 * ours["parameters"] + 6 * ours["trained"])
    assert ours["carrier_weights"] == ours["parent_weights"] == ours["base_weights"]


def test_an_altered_base_of_an_adapter_is_found(results):
    run(results, "first")
    path = results / "bases" / "base" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(UserError, match="altered"):
        composed.load_checkpoint(results / "stages" / "first")


@pytest.mark.parametrize("chain", CHAINS)
def test_an_adapter_that_is_on_earlier_ones_is_not_scored_on_the_base_alone(results, chain):
    """With `chain: same` the adapter holds all stages: on the base it is the checkpoint."""
    (_, second), base = two_stages(results, chain), results / "bases" / "base"
    hub = HubCopies(None, False)
    if chain == "same":
        assert find_target(second, hub, base).adapter == second
    else:
        with pytest.raises(UserError, match="holds those of the stages before it.*leave --base"):
            find_target(second, hub, base)
    assert find_target(results / "stages" / "first", hub, base).directory == base
    assert find_target(second, hub).adapter is None


def test_the_first_weights_are_drawn_from_the_train_seed_and_the_stage(results):
    run(results, "first", recipe={"learning_rate": 1e-12})
    model = parametrisation_of(SPEC).start(results / "stages" / "first", 0)
    drawn = parametrised(new_model("causal"), SPEC, seed_of(0, 1, INITIAL))
    for ours, theirs in zip(lora.factors(model), lora.factors(drawn), strict=True):
        assert torch.allclose(ours.down, theirs.down, atol=1e-9)


def test_a_recipe_may_round_what_an_adapter_keeps(results):
    run(results, "first", recipe={"kept_dtype": "bfloat16"})
    for factor in lora.factors(parametrisation_of(SPEC).start(results / "stages" / "first", 0)):
        for part in (factor.up, factor.down):
            assert torch.equal(part, part.bfloat16().float()) and part.dtype == torch.float32


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("target", ["lm_head", "embed_tokens"])
def test_one_of_two_tied_matrices_may_be_a_target(results, target, chain):
    """Attached and merged agree, and the other matrix stays as it was."""
    how = {"parametrisation": spec(targets=[target, "q_proj"], chain=chain)}
    train_stage("first", stage_spec(**how), results, "code", 1e9)
    more = {**how, "history": ["one", "two"]}
    train_stage("second", stage_spec("two", "first", **more), results, "code", 1e9)
    stage = make_stage("causal", micro_batch_rows=None)
    (batch,) = stage.collate(list(stage.examples))
    merged = composed.load_checkpoint(results / "stages" / "second").eval()
    attached = composed.load_checkpoint(composed.carrier_of(results / "stages" / "second"))
    lora.load_into(lora.put_on(attached, how["parametrisation"], 0), results / "stages" / "second")
    ours, theirs = token_losses(attached.eval(), batch), token_losses(merged, batch)
    assert torch.allclose(ours, theirs, atol=1e-5)
    base = composed.load_checkpoint(results / "bases" / "base").get_input_embeddings().weight
    other = merged.lm_head if target == "embed_tokens" else merged.get_input_embeddings()
    assert torch.equal(other.weight, base)
