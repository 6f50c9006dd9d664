"""LoRA within layers that are one operation: what PEFT computes, or PEFT's own way."""

import pytest
import torch
from lora_case import some_adapter, spec
from masked_model import masked_model
from retention_case import FAMILIES, make_stage, new_model

from lethe.models import folded_lora, llama_forward, roberta_forward, t5_forward
from lethe.models.forward import weighted_loss
from lethe.parametrisations import lora
from lethe.parametrisations.parametrised import parametrised

OWN = {"causal": llama_forward, "seq2seq": t5_forward, "masked": roberta_forward}
# Relative, of float32.
LOSS, GRADIENT = 1e-6, 1e-5


def stage_of(family):
    if family != "masked":
        return make_stage(family, micro_batch_rows=None)
    drops = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.2}
    return make_stage(family, masked_model(**drops), masked_model(**drops), micro_batch_rows=None)


def pass_of(stage):
    stage.model.zero_grad()
    torch.manual_seed(5)
    (batch,) = stage.collate(list(stage.examples))
    loss = weighted_loss(stage.model, batch)
    loss.backward()
    return loss.item(), {n: p.grad.clone() for n, p in stage.trainable() if p.grad is not None}


def compared(monkeypatch, family, stage):
    assert OWN[family].applies(stage.model)
    loss, gradients = pass_of(stage)
    with monkeypatch.context() as patch:
        patch.setattr(OWN[family], "applies", lambda model: False)
        wanted, theirs = pass_of(stage)
    assert loss == pytest.approx(wanted, rel=LOSS)
    assert gradients.keys() == theirs.keys() and all(".lora_" in name for name in gradients)
    largest = max(gradient.norm() for gradient in theirs.values())
    for name, gradient in theirs.items():
        scale = max(gradient.norm(), 1e-2 * largest)
        assert (gradients[name] - gradient).norm() <= GRADIENT * scale, name


@pytest.mark.parametrize("settings", [{}, {"rslora": True, "rank": 8, "alpha": 3.0}])
@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_of_the_factors_are_pefts(monkeypatch, family, settings):
    stage = stage_of(family)
    some_adapter(stage.model, **settings)
    compared(monkeypatch, family, stage)


@pytest.mark.parametrize("family", FAMILIES)
def test_earlier_adapters_stay_on_and_other_modules_have_none(monkeypatch, family):
    stage = stage_of(family)
    targets = {"causal": ["q_proj", "down_proj"], "seq2seq": ["k", "wo"], "masked": ["query"]}
    lora.put_on(stage.model, spec(targets=targets[family]), 7, "stage1")
    parametrised(stage.model, spec(targets=targets[family]), 3)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in stage.model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    compared(monkeypatch, family, stage)
    assert any(".stage1." in name for name, _ in stage.model.named_parameters())


@pytest.mark.parametrize("targets", [["embed_tokens"], ["lm_head", "q_proj"]])
def test_adapters_on_what_the_pass_calls_are_called(monkeypatch, targets):
    model = new_model("causal")
    stage = make_stage("causal", model, micro_batch_rows=None)
    some_adapter(stage.model, targets=targets)
    compared(monkeypatch, "causal", stage)


def adapted():
    return some_adapter(new_model("causal").train())


def one_layer(model):
    return model.model.layers[0].self_attn.v_proj


def test_what_is_no_product_with_a_summed_weight_goes_through_peft(monkeypatch):
    assert llama_forward.applies(adapted())
    for settings in ({"dropout": 0.1}, {"dora": True}):
        model = some_adapter(new_model("causal").train(), **settings)
        assert not llama_forward.applies(model)
    model = adapted()
    one_layer(model).enable_adapters(False)
    assert not llama_forward.applies(model)
    model = adapted()
    one_layer(model).merge()
    assert not llama_forward.applies(model)
    monkeypatch.setattr(folded_lora, "LARGEST", one_layer(model).base_layer.weight.numel() - 1)
    assert not llama_forward.applies(adapted())


def test_hooks_within_an_adapter_are_called():
    for name in ("base_layer", "lora_A.default", "lora_B.default", ""):
        model, seen = adapted(), []
        place = one_layer(model).get_submodule(name)
        place.register_forward_hook(lambda *_, seen=seen: seen.append(True))
        stage = make_stage("causal", micro_batch_rows=None)
        weighted_loss(model, stage.collate(list(stage.examples))[0])
        assert seen, name
