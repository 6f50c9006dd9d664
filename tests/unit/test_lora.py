"""LoRA beside the method: PEFT's own loss and gradients, packed rows, methods on it."""

import copy

import pytest
import torch
from lora_case import SPEC, merged_copy, some_adapter, spec
from retention_case import FAMILIES, TRAINING, make_stage, move, new_model

from lethe.errors import UserError
from lethe.methods.contract import Method
from lethe.methods.registry import create
from lethe.models.adapters import merge_adapter
from lethe.models.forward import token_losses, weighted_loss
from lethe.parametrisations import lora
from lethe.parametrisations.parametrised import parametrised
from lethe.training.loop import train


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


def test_a_target_that_names_no_module_lists_those_there_are():
    with pytest.raises(UserError, match="'query' .* names no module .*down_proj.* q_proj"):
        parametrised(new_model("causal"), spec(targets=["q_proj", "query"]), 0)


def test_a_rank_above_the_smaller_dimension_is_refused():
    with pytest.raises(UserError, match="at most 16, the smaller dimension of .*, found 17"):
        parametrised(new_model("causal"), spec(rank=17), 0)


def test_targets_choose_the_modules():
    model = parametrised(new_model("causal"), spec(targets=["q_proj", "v_proj"]), 0)
    assert {f.place.rpartition(".")[2] for f in lora.factors(model)} == {"q_proj", "v_proj"}


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
