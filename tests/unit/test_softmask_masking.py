"""Soft masks: which parameters they touch, and what importances of zero and one do."""

import pytest
import torch
from softmask_case import batch_of, importance_of, model_with_dropout

from lethe.methods.parts.softmask.masking import (
    factors,
    scale_gradients,
    scale_updates,
    taken_before,
    update_ratios,
)
from lethe.models.forward import weighted_loss
from lethe.models.units import units_of

MASKED = ("query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def model():
    return model_with_dropout().eval()


def gradients(model) -> dict[str, torch.Tensor]:
    model.zero_grad()
    weighted_loss(model, batch_of()).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_an_importance_of_one_stops_exactly_the_parameters_of_a_head(model):
    importance = importance_of(units_of(model))
    importance["heads"][0, 1] = 1.0
    plain, masked = gradients(model), gradients(model)
    scale_gradients(masked, factors(model, importance, "rows"))
    layer, width = "roberta.encoder.layer.0.attention", units_of(model).head_width
    for name, gradient in plain.items():
        expected = gradient.clone()
        if name.startswith(f"{layer}.self."):
            expected[width:] = 0.0
        if name == f"{layer}.output.dense.weight":
            expected[:, width:] = 0.0
        assert torch.equal(masked[name], expected), name
    assert masked[f"{layer}.self.query.weight"][:width].abs().max() > 0


def test_an_importance_of_one_everywhere_leaves_only_what_has_no_unit(model):
    masked = gradients(model)
    scale_gradients(masked, factors(model, importance_of(units_of(model), 1.0), "rows"))
    for name, gradient in masked.items():
        kept = gradient.abs().max() > 0
        bare = name.endswith("attention.output.dense.bias")
        in_units = "encoder.layer" in name and "LayerNorm" not in name and not bare
        assert not kept if in_units else True, name
        assert in_units == (name in factors(model, importance_of(units_of(model)), "rows"))
    assert masked["roberta.embeddings.word_embeddings.weight"].abs().max() > 0
    assert masked["lm_head.dense.weight"].abs().max() > 0


def test_neurons_are_rows_of_weights_and_entries_of_biases(model):
    importance = importance_of(units_of(model))
    importance["intermediate"][1, 3] = 0.25
    importance["output"][1, 5] = 0.5
    plain, masked = gradients(model), gradients(model)
    scale_gradients(masked, factors(model, importance, "rows"))
    layer = "roberta.encoder.layer.1"
    for name, row, share in (("intermediate", 3, 0.75), ("output", 5, 0.5)):
        for part in ("weight", "bias"):
            key = f"{layer}.{name}.dense.{part}"
            torch.testing.assert_close(masked[key][row], share * plain[key][row])
            assert torch.equal(masked[key][:row], plain[key][:row])


def test_the_released_head_axis_is_the_inputs_and_the_output_bias(model):
    importance = importance_of(units_of(model))
    importance["heads"][0, 1] = 1.0
    found = factors(model, importance, "released")
    layer, width = "roberta.encoder.layer.0.attention", units_of(model).head_width
    assert found[f"{layer}.self.query.weight"].shape == (1, 2 * width)
    bias = found[f"{layer}.output.dense.bias"]
    assert (bias[:width] == 1).all() and (bias[width:] == 0).all()


def step(model, by_name=None, optimizer=torch.optim.AdamW):
    """One optimizer step whose update is masked; returns parameters before and after it."""
    update = optimizer(model.parameters(), lr=0.01)
    weighted_loss(model, batch_of()).backward()
    everything = {name: p.detach().clone() for name, p in model.named_parameters()}
    before = taken_before(model, by_name or {})
    update.step()
    scale_updates(model, before, by_name or {})
    return everything, {name: p.detach().clone() for name, p in model.named_parameters()}


def test_a_masked_update_is_exact_at_zero_and_one_and_a_share_in_between(model):
    encoder = units_of(model)
    before, plain = step(model_with_dropout().eval())
    _, none = step(model_with_dropout().eval(), factors(model, importance_of(encoder, 0.0), "rows"))
    assert all(torch.equal(none[name], plain[name]) for name in plain)
    whole = factors(model, importance_of(encoder, 1.0), "rows")
    _, full = step(model_with_dropout().eval(), whole)
    for name in plain:
        assert torch.equal(full[name], before[name] if name in whole else plain[name]), name
    _, part = step(
        model_with_dropout().eval(), factors(model, importance_of(encoder, 0.75), "rows")
    )
    ratios = update_ratios(before, part, plain)
    for name, ratio in ratios.items():
        assert ratio == pytest.approx(0.25 if name in whole else 1.0, rel=1e-3), name
        assert any(f".{place}." in name for place in MASKED) or name not in whole


def test_adam_nearly_cancels_a_constant_factor_on_gradients(model):
    """The reason for the masked update: of a mask of one half, Adam leaves almost nothing."""
    by_name = factors(model, importance_of(units_of(model), 0.5), "rows")
    moved = {}
    for masked in (False, True):
        fresh = model_with_dropout().eval()
        update = torch.optim.AdamW(fresh.parameters(), lr=0.01, weight_decay=0.0, eps=1e-12)
        before = taken_before(fresh, by_name)
        weighted_loss(fresh, batch_of()).backward()
        if masked:
            scale_gradients({n: p.grad for n, p in fresh.named_parameters()}, by_name)
        update.step()
        moved[masked] = taken_before(fresh, by_name)
    ratios = update_ratios(before, moved[True], moved[False])
    values = [ratio for name, ratio in ratios.items() if name.endswith("weight")]
    assert min(values) > 0.95
