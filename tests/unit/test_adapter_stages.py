"""Stages of adapters, prompts and DEMIX: the network beneath stays, checkpoints compute alike."""

import pytest
import torch
from adapter_case import HYPERS, copied, make_nodes, make_stage, the_batch
from masked_model import masked_model
from small_nodes import stage_spec

from lethe.errors import UserError
from lethe.methods.attached import attach
from lethe.methods.registry import create
from lethe.models.loading import load_model
from lethe.models.masked_forward import hidden_states
from lethe.models.saving import save_model
from lethe.training.stage import train_stage


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", HYPERS)
def test_a_resumed_stage_takes_its_parameters_back_in_place(name):
    method = create(name, HYPERS[name])
    first = make_stage(masked_model())
    method.before_stage(first)
    parent = copied(method.state())
    resumed = create(name, HYPERS[name])
    resumed.load_state(parent)
    resumed.before_stage(make_stage(masked_model(), index=2))
    trained = [p for p in resumed.extra.parameters() if p.requires_grad]
    snapshot = {key: value + 1 for key, value in resumed.state().items()}
    resumed.load_state(snapshot)
    after = [p for p in resumed.extra.parameters() if p.requires_grad]
    assert all(one is other for one, other in zip(trained, after, strict=True))
    assert all(torch.equal(resumed.state()[key], snapshot[key]) for key in snapshot)


@pytest.mark.parametrize("name", HYPERS)
def test_the_state_of_another_method_is_refused(name):
    with pytest.raises(UserError, match="trained with another method"):
        create(name, HYPERS[name]).load_state({"fisher.x": torch.zeros(2)})


def spec_of(name: str, task: str, parent: str, history: list[str]) -> dict:
    recipe = {"mask_share": 0.3, "epochs": 3.0, "batch_size": 8, "learning_rate": 0.02}
    changes = {"method": name, "hyper": HYPERS[name], "history": history, "family": "masked"}
    return stage_spec(task, parent, recipe=recipe, **changes)


@pytest.mark.parametrize("name", HYPERS)
def test_two_stages_train_only_what_is_added_and_checkpoints_compute_alike(name, tmp_path):
    make_nodes(tmp_path)
    base = load_model(tmp_path / "bases" / "base").state_dict()
    train_stage("first", spec_of(name, "one", "base", ["one"]), tmp_path, "code", 60)
    spec = spec_of(name, "two", "first", ["one", "two"])
    manifest = train_stage("second", spec, tmp_path, "code", 60)
    assert manifest["needs_identity"] == (name == "demix")
    batch, found, states = the_batch(), [], []
    for stage in ("first", "second"):
        directory = tmp_path / "stages" / stage
        plain = load_model(directory).eval()
        assert all(torch.equal(base[key], value) for key, value in plain.state_dict().items())
        alone = hidden_states(plain, batch)
        model, method = attach(load_model(directory).eval(), directory)
        found.append(hidden_states(model, batch))
        states.append(copied(method.state()))
        assert not torch.allclose(found[-1], alone, atol=1e-3)
    assert not torch.allclose(found[0], found[1], atol=1e-4)
    kept = [torch.equal(states[0][key], states[1][key]) for key in states[0]]
    # DEMIX keeps the first domain's expert as it was; the others train the one they have.
    assert all(kept) if name == "demix" else not any(kept)
    assert (len(states[1]) == 2 * len(states[0])) == (name == "demix")


@pytest.mark.parametrize("name", HYPERS)
def test_the_checkpoint_computes_what_the_network_in_training_computed(name, tmp_path, monkeypatch):
    import lethe.training.stage as module

    trained = {}

    def keep_the_network(model, *arguments):
        trained["states"] = hidden_states(model.eval(), the_batch())
        return save_model(model, *arguments)

    make_nodes(tmp_path)
    monkeypatch.setattr(module, "save_model", keep_the_network)
    train_stage("first", spec_of(name, "one", "base", ["one"]), tmp_path, "code", 60)
    directory = tmp_path / "stages" / "first"
    model, _ = attach(load_model(directory).eval(), directory)
    assert torch.equal(hidden_states(model, the_batch()), trained["states"])


@pytest.mark.parametrize("name", HYPERS)
def test_an_interrupted_second_stage_ends_as_an_uninterrupted_one(name, tmp_path, monkeypatch):
    import lethe.training.loop as loop

    make_nodes(tmp_path)
    train_stage("first", spec_of(name, "one", "base", ["one"]), tmp_path, "code", 60)
    spec = spec_of(name, "two", "first", ["one", "two"])
    take_step = loop.take_step

    def stop_at_the_fourth(stage, *arguments):
        if stage.step == 3:
            raise KeyboardInterrupt
        take_step(stage, *arguments)

    monkeypatch.setattr(loop, "take_step", stop_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        train_stage("stopped", spec, tmp_path, "code", 0)
    monkeypatch.setattr(loop, "take_step", take_step)
    train_stage("stopped", spec, tmp_path, "code", 60)
    train_stage("whole", spec, tmp_path, "code", 60)
    files = [tmp_path / "stages" / stage for stage in ("stopped", "whole")]
    one, other = [(folder / "method_state.safetensors").read_bytes() for folder in files]
    assert one == other
    assert (files[0] / "training.csv").read_text() == (files[1] / "training.csv").read_text()
