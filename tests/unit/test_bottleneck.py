"""Bottleneck adapters and frozen parts, on all families."""

import copy

import pytest
import torch
from retention_case import FAMILIES, TRAINING, make_stage, new_model
from small_nodes import make_nodes, stage_spec

from lethe.errors import UserError
from lethe.methods.contract import Method
from lethe.models.forward import token_losses, weighted_loss
from lethe.parametrisations import bottleneck, composed
from lethe.parametrisations.parameters import Adapters, Frozen
from lethe.parametrisations.parametrised import parametrisation_of, parametrised
from lethe.training.loop import train
from lethe.training.stage import train_stage

SPEC = {"kind": "adapters", **Adapters(bottleneck=3).model_dump(mode="json")}
PLACES = {"causal": 4, "seq2seq": 10, "masked": 4}
"""Two a layer; a decoder's layer that also reads the encoder has three."""
LOWEST = {
    "causal": ("model.layers.0.",),
    "seq2seq": ("encoder.block.0.", "decoder.block.0."),
    "masked": ("roberta.encoder.layer.0.",),
}


def frozen(**settings) -> dict:
    return {"kind": "frozen", **Frozen(**settings).model_dump(mode="json")}


@pytest.mark.parametrize("family", FAMILIES)
def test_adapters_compute_what_the_maps_output_and_a_bottleneck_add_up_to(family):
    stage = make_stage(family, micro_batch_rows=None)
    (batch,) = stage.collate(list(stage.examples))
    model = parametrised(stage.model, SPEC, 1).eval()
    found = bottleneck.places(model)
    assert len(found) == PLACES[family]
    twin = new_model(family).eval()
    twin.load_state_dict({n: v for n, v in model.state_dict().items() if ".adapter." not in n})
    for name, place in found.items():
        adapter = place.adapter
        with torch.no_grad():
            adapter.up.weight.normal_(0, 0.3, generator=torch.Generator().manual_seed(2))
        twin.get_submodule(name).register_forward_hook(
            lambda _, __, y, a=adapter: y + a.up(torch.nn.functional.gelu(a.down(y)))
        )
    assert torch.allclose(token_losses(model, batch), token_losses(twin, batch), atol=1e-6)
    plain = new_model(family).eval()
    assert not torch.allclose(token_losses(model, batch), token_losses(plain, batch), atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_adapters_leave_a_network_almost_as_it_was_until_they_are_trained(family):
    stage = make_stage(family, micro_batch_rows=None)
    (batch,) = stage.collate(list(stage.examples))
    before = token_losses(stage.model.eval(), batch)
    parametrised(stage.model, SPEC, 1)
    assert torch.allclose(token_losses(stage.model, batch), before, atol=1e-2)
    assert {".adapter." in name for name, _ in stage.trainable()} == {True}
    weights = copy.deepcopy(stage.model.state_dict())
    train(stage, Method(), TRAINING, None)
    for name, value in stage.model.state_dict().items():
        assert torch.equal(value, weights[name]) != (".adapter." in name)


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_rows_give_the_gradients_of_padded_ones(family):
    found = []
    for changes in ({"packed": True, "unpadded": True}, {"packed": False, "unpadded": False}):
        stage = make_stage(family, micro_batch_rows=None, **changes)
        parametrised(stage.model, SPEC, 1).eval()
        sum(weighted_loss(stage.model, b) for b in stage.collate(list(stage.examples))).backward()
        found.append({name: p.grad for name, p in stage.trainable()})
    for name, gradient in found[1].items():
        assert torch.allclose(found[0][name], gradient, rtol=1e-4, atol=1e-6)


def test_a_deep_copy_has_adapters_of_its_own():
    model = parametrised(new_model("causal"), SPEC, 1)
    other = copy.deepcopy(model)
    ids = torch.arange(5)[None]
    before = other(input_ids=ids).logits
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(1.0)
    assert torch.equal(other(input_ids=ids).logits, before)
    assert not torch.allclose(model(input_ids=ids).logits, before, atol=1e-3)


def test_a_chain_of_stages_keeps_the_adapters_alone_and_goes_on_with_them(tmp_path):
    make_nodes(tmp_path)
    how = {"parametrisation": SPEC}
    first = train_stage("first", stage_spec(**how), tmp_path, "code", 1e9)
    more = {**how, "history": ["one", "two"]}
    second = train_stage("second", stage_spec("two", "first", **more), tmp_path, "code", 1e9)
    assert bottleneck.WEIGHTS in second["files"] and "model.safetensors" not in second["files"]
    assert second["carrier_weights"] == first["base_weights"] != second["parent_weights"]
    folder = tmp_path / "stages" / "second"
    assert composed.carrier_of(folder).name == "base"
    going_on = parametrisation_of(SPEC).start(folder, 9)
    loaded = composed.load_checkpoint(folder)
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, going_on.state_dict()[name])
    assert first["trained"] == second["trained"] < second["parameters"]


@pytest.mark.parametrize("family", FAMILIES)
def test_frozen_embeddings_and_bottom_layers_stay_and_the_rest_is_trained(family):
    stage = make_stage(family)
    parametrised(stage.model, frozen(embeddings=True, layers=1), 0)
    before = copy.deepcopy(stage.model.state_dict())
    trained = {name for name, _ in stage.trainable()}
    train(stage, Method(), TRAINING, None)
    stayed = {n for n, v in stage.model.state_dict().items() if torch.equal(v, before[n])}
    words = ("embed_tokens", "shared", "word_embeddings")
    assert any(any(word in name for word in words) for name in stayed)
    assert not trained & stayed
    lowest = {name for name in before if name.startswith(LOWEST[family])}
    assert lowest and lowest <= stayed
    assert any(".1." in name for name in trained)


def test_more_frozen_layers_than_there_are_is_a_sentence():
    with pytest.raises(UserError, match="at most 2 frozen `layers`.* found 3; lower"):
        parametrised(new_model("causal"), frozen(layers=3), 0)
    with pytest.raises(ValueError, match="nothing would be frozen"):
        Frozen(embeddings=False)


def test_a_bottleneck_wider_than_the_model_is_refused_in_a_job_too():
    with pytest.raises(UserError, match="expected a `bottleneck` of at most"):
        parametrised(new_model("causal"), SPEC | {"bottleneck": 10**9}, 1)
