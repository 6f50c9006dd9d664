"""HAT and HAT-Adapter: a step, whole stages, and that earlier outputs do not change."""

import numpy as np
import pytest
import torch
from masked_model import masked_model, masked_tokenizer
from safetensors.torch import load_file
from small_nodes import sentence, stage_spec
from transformers import BertConfig, BertForMaskedLM

from lethe.artefacts.jsonlines import write_rows
from lethe.artefacts.manifests import publish
from lethe.data.masked_batches import Masking, collate
from lethe.data.masked_examples import document_examples
from lethe.errors import UserError
from lethe.methods.attached import METHOD_STATE, attach, method_of
from lethe.methods.contract import Stage
from lethe.methods.parts.adapters import apply_adapters
from lethe.methods.parts.hard_attention.gates import compensation
from lethe.methods.parts.hard_attention.places import KINDS, free_shares, gate_units, unit_sizes
from lethe.methods.registry import create
from lethe.models.forward import label_logits, weighted_loss
from lethe.models.loading import load_model
from lethe.models.saving import save_model
from lethe.training.stage import train_stage

TOKENIZER = masked_tokenizer()
CASES = [("hat", {"layers": "all"}), ("hat_adapter", {"reduction": 16})]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def texts(count: int, seed: int) -> list[dict]:
    generator = np.random.default_rng(seed)
    return [{"id": str(n), "text": sentence(generator, 4 + n % 6)} for n in range(count)]


def batches_of(rows: int | None):
    examples = document_examples(texts(6, 9), "d", TOKENIZER, 40)
    settings = {"masking": Masking.of(TOKENIZER, 0.15), "seed": 3, "pad_token": 1}
    return collate(examples, draw=0, normalisation="token", micro_batch_rows=rows, **settings)


def one_batch():
    return batches_of(None)[0]


def nodes(results):
    data = results / "data" / "data"
    for number, name in enumerate(("one", "two")):
        write_rows(data / f"{name}.jsonl", texts(16, number))
    publish(data, "data.json", {}, ["one.jsonl", "two.jsonl"])
    base = results / "bases" / "base"
    publish(base, "base.json", {}, save_model(masked_model(), TOKENIZER, base))


def spec(task, parent, method, hyper):
    recipe = {"mask_share": 0.15, "epochs": 6.0, "batch_size": 8, "weight_decay": 0.1}
    history = {"one": ["one"], "two": ["one", "two"]}[task]
    named = {"method": method, "hyper": hyper, "history": history}
    return stage_spec(task, parent, family="masked", recipe=recipe, **named)


def two_stages(results, method, hyper):
    """Folders of the checkpoints after the domains `one` and `two`."""
    nodes(results)
    train_stage("first", spec("one", "base", method, hyper), results, "code", 60)
    train_stage("second", spec("two", "first", method, hyper), results, "code", 60)
    return results / "stages" / "first", results / "stages" / "second"


@torch.no_grad()
def outputs_under_first_gates(directory, method_name):
    """Logits of a checkpoint with the gates of its first domain."""
    model, method = load_model(directory).eval(), method_of(directory)
    gates = method.domains.of(0)
    if method_name == "hat":
        gate_units(model, gates, KINDS[method.layers])
    else:
        apply_adapters(model, method._build(model), gates)
    return label_logits(model, one_batch())


@pytest.mark.parametrize(("method", "hyper"), CASES)
def test_outputs_under_the_first_domains_gates_stay_bit_identical(tmp_path, method, hyper):
    first, second = two_stages(tmp_path, method, hyper)
    before = outputs_under_first_gates(first, method)
    assert torch.equal(before, outputs_under_first_gates(second, method))
    batch = one_batch()
    whole = [label_logits(attach(load_model(d).eval(), d)[0], batch) for d in (first, second)]
    assert not torch.equal(*whole)  # the second domain did change the network
    state = load_file(second / METHOD_STATE)
    assert {key.split("/")[1] for key in state if key.startswith("domain/")} == {"0000", "0001"}
    for name in (key for key in state if key.startswith("used/")):
        place = name.removeprefix("used/")
        both = [(state[f"domain/000{n}/{place}"] > 0).float() for n in (0, 1)]
        assert torch.equal(state[name], torch.maximum(*both))


def test_without_output_gates_used_weights_stay_and_the_rest_goes_on(tmp_path):
    first, second = two_stages(tmp_path, "hat", {"layers": "ffn_attention"})
    before, after = (dict(load_model(d).named_parameters()) for d in (first, second))
    shares = free_shares(load_model(first), method_of(first).domains.used)
    for name, share in shares.items():
        kept = share.expand_as(before[name]) == 0
        assert torch.equal(before[name][kept], after[name][kept])
        assert not torch.equal(before[name][~kept], after[name][~kept]) or kept.all()
    for name in set(before) - set(shares):
        if "position_embeddings" not in name:
            assert not torch.equal(before[name], after[name]), name


def bert():
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    return BertForMaskedLM(BertConfig(vocab_size=21, intermediate_size=24, **sizes))


@pytest.mark.parametrize("build", [masked_model, bert])
def test_only_embeddings_norms_head_and_one_bias_a_layer_have_no_gate(build):
    model = build()
    sizes = unit_sizes(model, KINDS["all"])
    shares = free_shares(model, {name: torch.ones(size) for name, size in sizes.items()})
    assert all((share == 0).all() for share in shares.values())
    uncovered = {name for name, _ in model.named_parameters()} - shares.keys()
    free = ("embeddings", "LayerNorm", "lm_head", "cls", "attention.output.dense.bias")
    assert all(any(part in name for part in free) for name in uncovered)
    none_used = free_shares(model, {name: torch.zeros(size) for name, size in sizes.items()})
    assert all((share == 1).all() for share in none_used.values())


@pytest.mark.parametrize(("name", "hyper"), CASES)
def test_the_loss_of_micro_batches_adds_up_with_the_penalty_counted_once(name, hyper):
    losses = []
    for rows in (None, 2):
        model, method = masked_model().eval(), create(name, hyper)
        stage = Stage(model, [], None, None, None, weighted_loss, index=1, seed=0, steps=4, step=2)
        method.before_stage(stage)
        batches = batches_of(rows)
        losses.append(sum(method.loss(stage, batch).item() for batch in batches))
    assert len(batches) == 3
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    shares = [gate.mean().item() for gate in method.domains.gates.values()]
    with torch.no_grad():
        plain = sum(weighted_loss(model, batch).item() for batch in batches)
    assert losses[1] - plain == pytest.approx(
        0.75 * np.average(shares, weights=[len(gate) for gate in method.domains.gates.values()]),
        abs=1e-5,
    )


@pytest.mark.parametrize(("name", "hyper"), CASES)
def test_a_step_compensates_and_masks_gradients_and_bounds_embeddings(name, hyper):
    method = create(name, {**hyper, "hard": False, "largest": 4.0})
    for index in (1, 2):  # with soft masks, factors of the second domain are between 0 and 1
        model = masked_model()
        parts = (None, None, None, weighted_loss, index, 0, 5, 2)
        stage = Stage(model, [], *parts)
        method.before_stage(stage)
        stage.extra = method.extra
        if index == 1:
            method.after_stage(stage)
    method.loss(stage, one_batch()).backward()
    before = {key: grad.clone() for key, grad in stage.gradients().items()}
    method.after_backward(stage)
    embeddings = {id(e) for e in method.domains.current.values()}
    shares = method.protection.shares
    for key, parameter in stage.trainable():
        share = shares.get(key.removeprefix("extra.adapters."))
        if id(parameter) in embeddings:
            share = compensation(parameter.detach(), 2.125, 4.0, 50.0)  # halfway from 1/4 to 4
        assert torch.allclose(parameter.grad, before[key] * share, rtol=1e-5), key
    place, e = next(iter(method.domains.current.items()))
    e.data.fill_(-9.0)
    method.after_update(stage)
    assert method.domains.current[place].unique().tolist() == [-6.0]


def test_open_gates_change_nothing_and_closed_ones_silence_a_layer():
    model, batch = masked_model().eval(), one_batch()
    plain, kinds = label_logits(model, batch), KINDS["all"]
    sizes = {"heads": 2, "intermediate": 24, "output": 16}
    gates = {f"layer{n}_{kind}": torch.ones(sizes[kind]) for n in (0, 1) for kind in kinds}
    gate_units(model, gates, kinds)
    assert torch.equal(plain, label_logits(model, batch))
    gates["layer1_heads"] = torch.tensor([1.0, 0.0])
    other = masked_model().eval()
    with torch.no_grad():
        other.roberta.encoder.layer[1].attention.output.dense.weight[:, 8:] = 0.0
    assert torch.allclose(label_logits(model, batch), label_logits(other, batch), atol=1e-6)


@pytest.mark.parametrize(("name", "hyper"), CASES)
def test_state_goes_through_a_round_trip(tmp_path, name, hyper):
    nodes(tmp_path)
    train_stage("first", spec("one", "base", name, hyper), tmp_path, "code", 60)
    state = load_file(tmp_path / "stages" / "first" / METHOD_STATE)
    method = create(name, hyper)
    method.load_state(state)
    assert method.needs_identity
    found = method.state()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) for key in state)


@pytest.mark.parametrize(("name", "hyper"), CASES)
def test_an_interrupted_second_stage_ends_where_it_would_have(tmp_path, monkeypatch, name, hyper):
    _, whole = two_stages(tmp_path / "whole", name, hyper)
    results = tmp_path / "broken"
    nodes(results)
    train_stage("first", spec("one", "base", name, hyper), results, "code", 60)
    steps = []

    def stop(stage, *others):
        steps.append(stage.step)
        if len(steps) == 8:
            raise KeyboardInterrupt
        return original(stage, *others)

    from lethe.training import loop

    original = loop.take_step
    with monkeypatch.context() as patch:
        patch.setattr(loop, "take_step", stop)
        with pytest.raises(KeyboardInterrupt):
            train_stage("second", spec("two", "first", name, hyper), results, "code", 0)
    train_stage("second", spec("two", "first", name, hyper), results, "code", 60)
    broken = results / "stages" / "second"
    for file in ("model.safetensors", METHOD_STATE):
        one, other = load_file(whole / file), load_file(broken / file)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_what_hard_attention_does_not_know_is_one_sentence():
    model = masked_model()
    del model.roberta.encoder.layer[1].intermediate.dense
    with pytest.raises(UserError, match=r"layer\.1\.intermediate\.dense"):
        gate_units(model, {}, KINDS["all"])
    model.config.model_type = "llama"
    with pytest.raises(UserError, match="found 'llama'"):
        gate_units(model, {}, KINDS["all"])
    with pytest.raises(UserError, match="method state of hard attention"):
        create("hat", {"layers": "all"}).load_state({"fisher/x": torch.ones(1)})


def test_a_chain_keeps_one_set_of_gates(tmp_path):
    nodes(tmp_path)
    first = spec("one", "base", "hat", {"layers": "ffn_attention"})
    train_stage("first", first, tmp_path, "code", 60)
    with pytest.raises(UserError, match="one model and one `layers`"):
        second = spec("two", "first", "hat", {"layers": "all"})
        train_stage("second", second, tmp_path, "code", 60)
