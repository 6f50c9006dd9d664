"""Adapters, soft prompts and DEMIX: the network beneath stays, and a checkpoint computes alike."""

import numpy as np
import pytest
import torch
from masked_model import CONFIG, masked_model, masked_tokenizer
from small_nodes import sentence, stage_spec
from torch import nn

from lethe.adapters import SMALLEST_BOTTLENECK, apply_adapters, mean_of, new_adapters
from lethe.artefacts import publish
from lethe.data.masked_batches import Masking, collate
from lethe.data.masked_examples import document_examples
from lethe.errors import UserError
from lethe.jsonlines import write_rows
from lethe.methods.attached import attach
from lethe.methods.contract import Stage
from lethe.methods.demix import loss_with
from lethe.methods.registry import create
from lethe.models.forward import weighted_loss
from lethe.models.loading import load_model
from lethe.models.masked_forward import hidden_states
from lethe.models.saving import save_model
from lethe.training.stage import train_stage

TOKENIZER = masked_tokenizer()
HYPERS = {
    "adapter": {"reduction": 4},
    "prompt": {"tokens": 5},
    "demix": {"reduction": 4, "samples": 8},
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def texts(count: int, seed: int = 0) -> list[dict]:
    generator = np.random.default_rng(seed)
    lengths = generator.integers(2, 14, count)
    return [{"id": str(n), "text": sentence(generator, int(lengths[n]))} for n in range(count)]


def lay_out(examples, draw=0):
    masking = Masking.of(TOKENIZER, 0.3)
    return collate(examples, draw=draw, masking=masking, seed=3, normalisation="token", pad_token=1)


def the_batch():
    (batch,) = lay_out(document_examples(texts(6, seed=9), "d", TOKENIZER, 38))
    return batch


def make_stage(model, index: int = 1) -> Stage:
    return Stage(
        model=model,
        examples=document_examples(texts(8, seed=index), "d", TOKENIZER, 38),
        load_replayed=list,
        load_parent=lambda: model,
        collate=lay_out,
        plain_loss=weighted_loss,
        index=index,
        seed=0,
        steps=1,
        family="masked",
    )


def disturb(module: nn.Module, seed: int = 0, size: float = 0.3) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += size * torch.randn(parameter.shape, generator=generator)


def copied(state: dict) -> dict:
    return {name: value.clone() for name, value in state.items()}


def test_untrained_adapters_hardly_change_the_output_and_trained_ones_do():
    model, batch = masked_model().eval(), the_batch()
    before = hidden_states(model, batch)
    adapters = new_adapters(model, 16, 0)
    assert len(adapters) == 2 * CONFIG["num_hidden_layers"]
    assert {adapter.down.out_features for adapter in adapters.values()} == {SMALLEST_BOTTLENECK}
    handles = apply_adapters(model, adapters)
    assert torch.allclose(hidden_states(model, batch), before, atol=1e-2)
    assert not torch.equal(hidden_states(model, batch), before)
    disturb(adapters)
    assert not torch.allclose(hidden_states(model, batch), before, atol=1e-1)
    for handle in handles:
        handle.remove()
    assert torch.equal(hidden_states(model, batch), before)


def test_an_adapted_layer_is_that_of_the_formula():
    """Houlsby et al. 2019, figure 2: LayerNorm(input + adapter(dense(h)))."""
    model = masked_model().eval()
    adapters = new_adapters(model, 4, 0)
    disturb(adapters)
    apply_adapters(model, adapters)
    place, adapter = model.base_model.encoder.layer[1].output, adapters["1_feed_forward"]
    inner, skip = torch.randn(3, CONFIG["intermediate_size"]), torch.randn(3, 16)
    dense = inner @ place.dense.weight.T + place.dense.bias
    low = torch.nn.functional.gelu(dense @ adapter.down.weight.T + adapter.down.bias)
    adapted = dense + low @ adapter.up.weight.T + adapter.up.bias
    assert torch.allclose(place(inner, skip), place.LayerNorm(adapted + skip), atol=1e-5)


def test_adapters_at_another_type_of_model_or_width_are_one_sentence():
    wide = masked_model(hidden_size=32)
    with pytest.raises(UserError, match="another network"):
        apply_adapters(wide, new_adapters(masked_model(), 4, 0))
    decoder = masked_model()
    decoder.config.model_type = "llama"
    with pytest.raises(UserError, match="'llama'; known are bert"):
        new_adapters(decoder, 4, 0)
    with pytest.raises(UserError, match="whole number of at least 1, found 0"):
        new_adapters(wide, 0, 0)


def test_bert_is_known_too():
    from transformers import BertConfig, BertForMaskedLM

    model = BertForMaskedLM(BertConfig(**{**CONFIG, "vocab_size": len(TOKENIZER)})).eval()
    batch = the_batch()
    before = hidden_states(model, batch)
    for name, hyper in HYPERS.items():
        method = create(name, hyper)
        method.before_stage(make_stage(model))
        assert hidden_states(model, batch).shape == before.shape


def test_a_prompt_keeps_the_shape_and_is_seen_by_every_token():
    model, batch = masked_model().eval(), the_batch()
    before = hidden_states(model, batch)
    method = create("prompt", {"tokens": 100})
    method.before_stage(make_stage(model))
    after = hidden_states(model, batch)
    assert after.shape == before.shape
    seen = batch.attention_mask.bool()
    assert ((after - before).abs().amax(-1)[seen] > 1e-4).all()
    disturb(method.extra)
    assert not torch.allclose(hidden_states(model, batch), after, atol=1e-2)
    words = model.get_input_embeddings().weight
    fresh = create("prompt", {"tokens": 7})
    fresh.before_stage(make_stage(masked_model()))
    assert all((words == vector).all(-1).any() for vector in fresh.extra.vectors)


def test_a_prompted_network_is_the_naive_one_with_longer_inputs():
    """The encoder on [prompt; embeddings] with the longer mask, then the tokens' states."""
    model, batch = masked_model().eval(), the_batch()
    embedded = model.base_model.embeddings(input_ids=batch.input_ids)
    method = create("prompt", {"tokens": 5})
    method.before_stage(make_stage(masked_model()))
    front = model.base_model.embeddings.LayerNorm(method.extra.vectors)
    whole = torch.cat([front.expand(len(embedded), -1, -1), embedded], 1)
    mask = torch.cat([torch.ones(len(embedded), 5), batch.attention_mask], 1)
    hidden = model.base_model.encoder(
        whole, attention_mask=mask[:, None, None, :].bool().expand(-1, 1, mask.shape[1], -1)
    ).last_hidden_state[:, 5:]
    method.attach(model)
    seen = batch.attention_mask.bool()
    assert torch.allclose(hidden_states(model, batch)[seen], hidden[seen], atol=1e-5)


def test_demix_begins_as_a_copy_of_the_set_with_the_lowest_loss():
    method = create("demix", HYPERS["demix"])
    model = masked_model()
    sets = [new_adapters(model, 4, seed) for seed in range(3)]
    for size, adapters in zip((0.6, 0.02, 0.4), sets, strict=True):
        disturb(adapters, size=size)
    stage = make_stage(model, index=4)
    losses = [loss_with(stage, adapters, stage.examples) for adapters in sets]
    handles = apply_adapters(model, sets[2])
    model.eval()
    (batch,) = lay_out(stage.examples)
    assert losses[2] == pytest.approx(weighted_loss(model, batch).item(), abs=1e-6)
    for handle in handles:
        handle.remove()
    method.sets.extend(sets)
    method.before_stage(stage)
    best, new = sets[int(np.argmin(losses))], method.sets[3]
    assert all(torch.equal(best.state_dict()[k], v) for k, v in new.state_dict().items())
    assert new is not best
    names = [name for name, parameter in method.extra.named_parameters() if parameter.requires_grad]
    assert names and all(name.startswith("3.") for name in names)


def test_demix_evaluates_the_last_expert_or_the_mean_of_all():
    batch, model = the_batch(), masked_model().eval()
    sets = [new_adapters(model, 4, seed) for seed in range(2)]
    for adapters in sets:
        disturb(adapters)
    mean = mean_of(sets)
    expected = (sets[0]["0_attention"].up.weight + sets[1]["0_attention"].up.weight) / 2
    assert torch.allclose(mean["0_attention"].up.weight, expected)
    for expert, adapters in (("last", sets[1]), ("mean", mean)):
        method = create("demix", {"expert": expert})
        method.sets.extend(sets)
        attached = method.attach(masked_model().eval())
        naive = masked_model().eval()
        apply_adapters(naive, adapters)
        assert torch.equal(hidden_states(attached, batch), hidden_states(naive, batch))
        assert all(parameter.requires_grad for parameter in method.extra.parameters())
    with pytest.raises(UserError, match="last, mean, found 'first'"):
        create("demix", {"expert": "first"})


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
    with pytest.raises(UserError, match="trained by another method"):
        create(name, HYPERS[name]).load_state({"fisher.x": torch.zeros(2)})


def make_nodes(results):
    data = results / "data" / "data"
    write_rows(data / "one.jsonl", texts(16))
    write_rows(data / "two.jsonl", texts(16, seed=1))
    publish(data, "data.json", {}, ["one.jsonl", "two.jsonl"])
    base = results / "bases" / "base"
    publish(base, "base.json", {}, save_model(masked_model(), TOKENIZER, base))


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
