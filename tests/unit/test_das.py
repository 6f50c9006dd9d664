"""DAS as a method: its state, its loss, what it leaves alone, and a chain of two stages."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save
from small_nodes import sentence, stage_spec
from softmask_case import TOKENIZER, importance_of, model_with_dropout, stage_of
from stopped_stage import stopped_at

from lethe.artefacts.files import read_json
from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.config.reading import CATALOGUE, read_yaml
from lethe.errors import UserError
from lethe.methods import das
from lethe.methods.attached import METHOD_STATE, method_of
from lethe.methods.das import DAS
from lethe.methods.registry import create
from lethe.models.encoder_units import encoder_of
from lethe.models.saving import save_model
from lethe.training.stage import train_stage

# Only an encoder-decoder has heads of cross-attention.
STATE = {name: place for name, place in das.STATE.items() if place != "cross_heads"}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def take_step(method, stage) -> float:
    """One step of the loop, without clipping."""
    optimizer = torch.optim.AdamW(stage.model.parameters(), lr=0.01)
    total = 0.0
    for batch in stage.collate(stage.examples, stage.step):
        torch.manual_seed(0)
        loss = method.loss(stage, batch)
        loss.backward()
        total += loss.item()
    method.after_backward(stage)
    optimizer.step()
    method.after_update(stage)
    stage.model.zero_grad()
    return total


def with_importance(model, value: float, **hyper) -> DAS:
    method = create("das", hyper)
    found = importance_of(encoder_of(model), value)
    method.load_state({name: found[place] for name, place in STATE.items()})
    return method


def test_two_stages_hand_on_an_importance_that_only_grows():
    model = model_with_dropout()
    first = create("das", {"subset": 6, "importance_batch": 4})
    stage = stage_of(model)
    first.before_stage(stage)
    general = first.state()
    assert set(general) == set(STATE)
    assert all(((value >= 0) & (value <= 1)).all() for value in general.values())
    assert all(parameter.grad is None for parameter in model.parameters())
    take_step(first, stage)
    assert all(torch.equal(first.state()[name], value) for name, value in general.items())
    first.after_stage(stage)
    second = create("das", {"subset": 6})
    second.load_state(first.state())
    second.before_stage(stage_of(model, index=2))
    later = second.state()
    # Of two heads a layer both are as far from their mean: theirs grows by rounding or not at all.
    rounding = 1e-6
    assert all((value >= general[name] - rounding).all() for name, value in later.items())
    assert any((value > general[name] + rounding).any() for name, value in later.items())


def test_the_general_importance_is_a_function_of_the_seed():
    found = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        method = create("das", {"subset": 4})
        method.before_stage(stage_of(model_with_dropout()))
        state = torch.random.get_rng_state()
        torch.manual_seed(noise)
        model_with_dropout()
        assert torch.equal(state, torch.random.get_rng_state())  # the global state is untouched
        found.append(method.state())
    assert all(torch.equal(found[0][name], found[1][name]) for name in STATE)


def test_without_contrast_the_loss_is_the_plain_one():
    model = model_with_dropout()
    stage = stage_of(model)
    (batch,) = stage.collate(stage.examples)
    method = with_importance(model, 0.5, contrast_weight=0.0)
    torch.manual_seed(3)
    found = method.loss(stage, batch)
    torch.manual_seed(3)
    assert torch.equal(found, stage.plain_loss(model, batch))
    torch.manual_seed(3)
    assert with_importance(model, 0.5).loss(stage, batch) > found


@pytest.mark.parametrize("name", ["contrast_input", "previous", "pairing", "contrast_share"])
def test_each_switch_of_the_contrast_changes_gradients(name):
    model = model_with_dropout()
    stage = stage_of(model, count=6)
    (batch,) = stage.collate(stage.examples)
    changed = {
        "contrast_input": "original",
        "previous": "detached",
        "pairing": "released",
        "contrast_share": 0.5,
    }[name]
    gradients = []
    for hyper in ({}, {name: changed}):
        model.zero_grad()
        torch.manual_seed(3)
        with_importance(model, 0.5, **hyper).loss(stage, batch).backward()
        gradients.append(encoder_of(model).layers[0].query.weight.grad.clone())
    assert not torch.allclose(*gradients)


@pytest.mark.parametrize("mask", ["gradient", "update"])
def test_units_of_importance_one_do_not_move(mask):
    model = model_with_dropout()
    stage = stage_of(model, index=2)
    method = with_importance(model, 1.0, mask=mask)
    method.before_stage(stage)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    # Without weight decay a gradient of zero is an update of zero.
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.0)
    method.loss(stage, stage.collate(stage.examples)[0]).backward()
    method.after_backward(stage)
    optimizer.step()
    method.after_update(stage)
    for name, parameter in model.named_parameters():
        bare = name.endswith("attention.output.dense.bias")
        if "encoder.layer" in name and "LayerNorm" not in name and not bare:
            assert torch.equal(parameter, before[name]), name
    word = "roberta.embeddings.word_embeddings.weight"
    assert not torch.equal(dict(model.named_parameters())[word], before[word])


def test_without_soft_masks_everything_moves():
    model = model_with_dropout()
    stage = stage_of(model, index=2)
    method = with_importance(model, 1.0, soft_mask=False)
    method.before_stage(stage)
    before = encoder_of(model).layers[0].query.weight.detach().clone()
    take_step(method, stage)
    assert not torch.equal(encoder_of(model).layers[0].query.weight, before)


def test_no_initial_importance_is_neither_mask_nor_negatives():
    stage = stage_of(model_with_dropout())
    method = create("das", {"initialise": "none", "subset": 4})
    method.before_stage(stage)
    assert method.state() == {}
    take_step(method, stage)
    method.load_state({})
    method.after_stage(stage)
    assert set(method.state()) == set(STATE)
    drawn = create("das", {"initialise": "random"})
    drawn.before_stage(stage)
    assert set(drawn.state()) == set(STATE)


def test_what_the_released_code_does_runs_through():
    stage = stage_of(model_with_dropout())
    entry = read_yaml(CATALOGUE / "methods.yaml")["das-released"]
    method = create(entry["method"], entry["hyper"])
    method.before_stage(stage)
    take_step(method, stage)
    method.after_stage(stage)
    assert all(value.isfinite().all() for value in method.state().values())


def trained(results, stop: int | None = None, monkeypatch=None, seed: int = 0, **hyper):
    """Two stages in a chain, the second one stopped at a step and begun again; their folders."""
    data, base = results / "data" / "data", results / "bases" / "base"
    generator = np.random.default_rng(0)
    rows = [{"id": str(n), "text": sentence(generator, 3 + n % 7)} for n in range(16)]
    write_rows(data / "one.jsonl", rows)
    publish(data, "data.json", {}, ["one.jsonl"])
    publish(base, "base.json", {}, save_model(model_with_dropout(seed), TOKENIZER, base))
    recipe = {"mask_share": 0.3, "epochs": 1.5, "batch_size": 4}
    spec = stage_spec(family="masked", method="das", hyper={"subset": 8, **hyper}, recipe=recipe)
    train_stage("one", spec, results, "code", 1e9)
    spec |= {"parent": "one", "parent_kind": "stage", "history": ["one", "one"]}
    if stop is not None:
        with stopped_at(stop, monkeypatch):
            train_stage("two", spec, results, "code", 0)
    train_stage("two", spec, results, "code", 1e9)
    return [results / "stages" / stage for stage in ("one", "two")]


def test_a_chain_hands_importances_on_and_goes_on_bit_identically(tmp_path, monkeypatch):
    whole = trained(tmp_path / "whole", mask="update", contrast_share=0.5)
    cut = trained(tmp_path / "cut", 3, monkeypatch, mask="update", contrast_share=0.5)
    for name in ("model.safetensors", "method_state.safetensors", "training.csv"):
        assert (whole[1] / name).read_bytes() == (cut[1] / name).read_bytes(), name
    earlier, later = (load_file(stage / "method_state.safetensors") for stage in whole)
    assert all((later[name] >= earlier[name]).all() for name in STATE)


def test_the_state_of_another_base_of_equal_shape_is_refused(tmp_path):
    folders = [trained(tmp_path / str(seed), seed=seed) for seed in (0, 1)]
    mine, other = [pair[0] / METHOD_STATE for pair in folders]
    bases = [
        read_json(stage / "stage.json")["base_weights"] for stage in (*folders[0], folders[1][0])
    ]
    assert bases[0] == bases[1] != bases[2]
    shapes = [{name: value.shape for name, value in load_file(f).items()} for f in (mine, other)]
    assert shapes[0] == shapes[1]
    told = {other.read_bytes(): f"one of a base with weights {bases[2][:12]}"}
    told[save(load_file(mine))] = "one that names no base"
    for content, found in told.items():
        mine.write_bytes(content)
        manifest = read_json(mine.parent / "stage.json")
        publish(mine.parent, "stage.json", manifest, list(manifest["files"]))
        spec = read_json(folders[0][1] / "stage.json")["spec"]
        sentence = f"made on the base with weights {bases[0][:12]}, found {found}; remove"
        with pytest.raises(UserError, match=sentence):
            train_stage("again", spec, tmp_path / "0", "code", 1e9)
        with pytest.raises(UserError, match=sentence):
            method_of(mine.parent)


def test_mistakes_are_one_sentence():
    model = model_with_dropout()
    with pytest.raises(UserError, match="no importances of the stages before stage 2"):
        create("das", {}).before_stage(stage_of(model, index=2))
    other = with_importance(model_with_dropout(num_hidden_layers=1), 0.5)
    with pytest.raises(UserError, match="another architecture"):
        other.before_stage(stage_of(model, index=2))
    with pytest.raises(UserError, match="Expected importance.heads"):
        create("das", {}).load_state({"fisher": torch.zeros(1)})
