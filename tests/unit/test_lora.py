"""LoRA beside the method: PEFT's own loss and gradients, checkpoints, resuming, ways to go on."""

import copy
import json

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage, move, new_model
from small_nodes import make_nodes, stage_spec

from lethe.data.draws import seed_of
from lethe.errors import Stopped, UserError
from lethe.methods.contract import Method
from lethe.methods.registry import create
from lethe.models.adapters import merge_adapter
from lethe.models.forward import token_losses, weighted_loss
from lethe.models.weights import shapes_of
from lethe.parametrisations import composed, lora
from lethe.parametrisations.parameters import Lora
from lethe.parametrisations.parametrised import parametrisation_of, parametrised
from lethe.training import stage as stage_module
from lethe.training.loop import train
from lethe.training.stage import INITIAL, train_stage

SPEC = {"kind": "lora", **Lora(rank=4, alpha=8.0).model_dump(mode="json")}
CHAINS = ["same", "fresh", "one-a-task"]


def spec(**settings) -> dict:
    return {**SPEC, **settings}


def some_adapter(model, seed=3, **settings):
    """A network with LoRA whose two factors are both away from zero."""
    parametrised(model, spec(**settings), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def peft_twin(model, **settings):
    """PEFT's own model over a copy of the base, with the same factors."""
    from peft import LoraConfig, get_peft_model

    family = type(model).__name__
    base = new_model({"L": "causal", "T": "seq2seq", "R": "masked"}[family[0]])
    twin = get_peft_model(
        base,
        LoraConfig(r=4, lora_alpha=8.0, target_modules="all-linear", **settings),
    )
    ours = {f"base_model.model.{name}": value for name, value in model.named_parameters()}
    with torch.no_grad():
        for name, parameter in twin.named_parameters():
            parameter.copy_(ours[name])
    return twin


def stock_loss(family, model, examples):
    """The mean loss over labels by transformers' own forward pass, one text at a time."""
    total, labels = torch.zeros(()), 0
    for batch in examples:
        count = len(batch.targets)
        if family == "masked":
            logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        elif family == "seq2seq":
            logits = model(input_ids=batch.encoder_ids, decoder_input_ids=batch.input_ids).logits
        else:
            logits = model(input_ids=batch.input_ids).logits
        picked = logits.flatten(0, 1)[batch.label_positions]
        total = total + torch.nn.functional.cross_entropy(picked, batch.targets, reduction="sum")
        labels += count
    return total / labels


@pytest.mark.parametrize("settings", [{}, {"rslora": True}, {"dora": True}])
@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_peft_on_transformers_own_model(family, settings):
    stage = make_stage(family, micro_batch_rows=None)
    model = some_adapter(stage.model, **settings).eval()
    twin = peft_twin(model, **{f"use_{key}": value for key, value in settings.items()}).eval()
    # In float32 a rounding alone is up to 8e-6 of a gradient.
    model, twin = model.double(), twin.double()
    alone = [batch for example in stage.examples for batch in stage.collate([example])]
    (packed,) = stage.collate(list(stage.examples))
    ours, theirs = weighted_loss(model, packed), stock_loss(family, twin, alone)
    if family == "masked":  # other masks are drawn for texts laid out apart
        theirs = stock_loss(family, twin, [packed])
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    ours.backward()
    theirs.backward()
    of_twin = {name: p.grad for name, p in twin.named_parameters() if p.requires_grad}
    of_ours = {f"base_model.model.{n}": p.grad for n, p in model.named_parameters()}
    assert {name for name, gradient in of_ours.items() if gradient is not None} == set(of_twin)
    for name, gradient in of_twin.items():
        assert (of_ours[name] - gradient).abs().max() <= 1e-5 * gradient.abs().max()


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_rows_give_the_loss_and_gradients_of_padded_ones(family):
    found = []
    for changes in ({"packed": True, "unpadded": True}, {"packed": False, "unpadded": False}):
        stage = make_stage(family, micro_batch_rows=None, **changes)
        model = some_adapter(stage.model).eval()
        loss = sum(weighted_loss(model, batch) for batch in stage.collate(list(stage.examples)))
        loss.backward()
        found.append((loss.item(), {n: p.grad for n, p in stage.trainable()}))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for name, gradient in found[1][1].items():
        assert torch.allclose(found[0][1][name], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_adapter_is_trained_and_the_model_stays_as_it_was(family):
    stage = make_stage(family)
    before = copy.deepcopy(stage.model.state_dict())
    parametrised(stage.model, SPEC, 0)
    assert all(".lora_" in name for name, _ in stage.trainable())
    train(stage, Method(), TRAINING, None)
    after = {
        name.replace(".base_layer", ""): value
        for name, value in stage.model.state_dict().items()
        if ".lora_" not in name
    }
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert any(factor.up.abs().max() > 0 for factor in lora.factors(stage.model))


def test_what_is_drawn_depends_on_the_seed_alone():
    drawn = []
    for noise, seed in ((0, 1), (1, 1), (0, 2)):
        model = new_model("causal")
        torch.manual_seed(noise)
        state = torch.random.get_rng_state()
        parametrised(model, SPEC, seed)
        assert torch.equal(torch.random.get_rng_state(), state)
        drawn.append(torch.cat([factor.down.flatten() for factor in lora.factors(model)]))
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


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


def test_a_target_that_names_no_module_lists_those_there_are():
    with pytest.raises(UserError, match="'query' .* names no module .*down_proj.* q_proj"):
        parametrised(new_model("causal"), spec(targets=["q_proj", "query"]), 0)


def test_a_rank_above_the_smaller_dimension_is_refused():
    with pytest.raises(UserError, match="at most 16, the smaller dimension of .*, found 17"):
        parametrised(new_model("causal"), spec(rank=17), 0)


def test_targets_choose_the_modules():
    model = parametrised(new_model("causal"), spec(targets=["q_proj", "v_proj"]), 0)
    assert {f.place.rpartition(".")[2] for f in lora.factors(model)} == {"q_proj", "v_proj"}


def test_the_first_weights_are_drawn_from_the_train_seed_and_the_stage(results):
    run(results, "first", recipe={"learning_rate": 1e-12})
    model = parametrisation_of(SPEC).start(results / "stages" / "first", 0)
    drawn = parametrised(new_model("causal"), SPEC, seed_of(0, 1, INITIAL))
    for ours, theirs in zip(lora.factors(model), lora.factors(drawn), strict=True):
        assert torch.allclose(ours.down, theirs.down, atol=1e-9)


def test_moving_every_weight_moves_the_adapter_too():
    """The tests above see a change of the factors: a moved adapter gives another loss."""
    stage = make_stage("causal", micro_batch_rows=None)
    model = some_adapter(stage.model).eval()
    (batch,) = stage.collate(list(stage.examples))
    before = weighted_loss(model, batch).item()
    move(model)
    assert weighted_loss(model, batch).item() != pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_recomputed_activations_give_the_same_gradients(family):
    found = []
    for recompute in (False, True):
        stage = make_stage(family, micro_batch_rows=None)
        model = some_adapter(stage.model)
        if recompute:
            model.activation_checkpointing_enable()
        (batch,) = stage.collate(list(stage.examples))
        torch.manual_seed(0)
        weighted_loss(model, batch).backward()
        found.append({name: p.grad for name, p in stage.trainable()})
    for name, gradient in found[0].items():
        assert torch.allclose(found[1][name], gradient, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ["ewc", "kd", "derpp"])
def test_methods_that_work_on_what_is_trained_compose_with_it(family, name):
    """A second stage differs from plain training, and the method's state is of the adapter."""

    def second_stage(make):
        first, method = make_stage(family), make()
        parametrised(first.model, SPEC, 0)
        train(first, method, TRAINING, None)
        second = make_stage(family, index=2, earlier=[first.examples])
        second.model = first.model
        merged = merged_copy(family, first.model)
        second.load_parent = lambda: merged.eval().requires_grad_(False)
        following = make()
        following.load_state(method.state())
        train(second, following, TRAINING, None)
        return method.state(), {n: p.detach().clone() for n, p in second.trainable()}

    strong = {"ewc": {"strength": 1e4}, "kd": {"weight": 5.0}, "derpp": {"beta": 1.0}}[name]
    state, ours = second_stage(lambda: create(name, strong))
    _, plain = second_stage(Method)
    assert {".lora_" in key for key in state if key.startswith("fisher.")} <= {True}
    assert ours.keys() == plain.keys()
    assert any(not torch.allclose(ours[key], plain[key], atol=1e-6) for key in ours)


def merged_copy(family, model):
    """A plain network with the adapter of another one in its weights."""
    plain = new_model(family)
    kept = {n.replace(".base_layer", ""): v for n, v in model.state_dict().items()}
    plain.load_state_dict({n: v for n, v in kept.items() if ".lora_" not in n})
    with torch.no_grad():
        for factor in lora.factors(model):
            weight = plain.get_submodule(factor.place).weight
            weight += factor.scale * factor.up @ factor.down
    return plain


def test_the_factors_are_what_is_added_to_the_weights():
    stage = make_stage("causal", micro_batch_rows=None)
    model = some_adapter(stage.model).eval()
    (batch,) = stage.collate(list(stage.examples))
    plain = merged_copy("causal", model).eval()
    assert torch.allclose(token_losses(model, batch), token_losses(plain, batch), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_merged_and_attached_agree_in_every_family(family, tmp_path):
    stage = make_stage(family, micro_batch_rows=None)
    base = copy.deepcopy(stage.model)
    model = some_adapter(stage.model).eval()
    lora.save(model, tmp_path, "base")
    merged = merge_adapter(base, tmp_path).eval()
    (batch,) = stage.collate(list(stage.examples))
    ours, theirs = token_losses(model, batch), token_losses(merged, batch)
    assert torch.allclose(ours, theirs, atol=1e-5)


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
