"""DAS off masked language models: what it promises, on decoders and encoder-decoders."""

import pytest
import torch
import torch.nn.functional as functional
from plain_reference import (
    FAMILY,
    RECIPE,
    farthest,
    fast_twin,
    random_model,
    some_examples,
    tokenizer_of,
)
from retention_case import TRAINING, make_stage, new_model
from safetensors.torch import load_file
from small_nodes import make_nodes, stage_spec
from stopped_stage import stopped_at

from lethe.errors import UserError
from lethe.methods.contract import Stage
from lethe.methods.das import DAS, STATE
from lethe.methods.parts.softmask.contrast import contrast
from lethe.methods.parts.softmask.importance import proxy_loss
from lethe.methods.parts.softmask.passes import first_rows
from lethe.methods.parts.softmask.views import has_dropout, pooled_texts, view_of
from lethe.methods.registry import create
from lethe.models.forward import weighted_loss
from lethe.models.last_states import label_logits, last_states
from lethe.models.units import units_of
from lethe.training.layout import make_collate
from lethe.training.loop import train
from lethe.training.stage import train_stage

MODELS = ["llama", "gpt2", "gpt_neox", "bloom", "opt", "t5"]
SMALL = {"subset": 4, "importance_batch": 3}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def stage_of(model, index: int = 1, **changes) -> Stage:
    family = FAMILY[model.config.model_type]
    collate = make_collate({**RECIPE, **changes}, tokenizer_of(family), family, model.config, 3)
    return Stage(
        model=model.train(),
        examples=some_examples(family),
        load_replayed=list,
        load_parent=lambda: None,
        collate=collate,
        plain_loss=weighted_loss,
        index=index,
        seed=5,
        steps=3,
        family=family,
    )


def important(model, value: float, **hyper) -> DAS:
    method = create("das", hyper)
    shapes = units_of(model).shapes()
    method.load_state({f"importance.{p}": torch.full(s, value) for p, s in shapes.items()})
    return method


def step(method, stage) -> dict[str, torch.Tensor]:
    """One step without weight decay; the parameters before it."""
    method.before_stage(stage)
    before = {name: p.detach().clone() for name, p in stage.model.named_parameters()}
    optimizer = torch.optim.AdamW(stage.model.parameters(), lr=0.01, weight_decay=0.0)
    for batch in stage.collate(stage.examples, 0):
        method.loss(stage, batch).backward()
    method.after_backward(stage)
    optimizer.step()
    method.after_update(stage)
    return before


UNOWNED = ("norm", "ln_", "embed", "wte", "wpe", "shared", "relative_attention_bias", "lm_head")
UNOWNED += ("layer_norm", "embed_out", "final_layer_norm")
# The bias of an attention's output belongs to no head.
OUTPUT_BIAS = ("out_proj.bias", "attn.c_proj.bias", "attention.dense.bias")


def is_owned(name: str) -> bool:
    bare = name.endswith(OUTPUT_BIAS)
    return not bare and not any(part in name for part in UNOWNED)


@pytest.mark.parametrize("mask", ["gradient", "update"])
@pytest.mark.parametrize("name", MODELS)
def test_units_of_importance_one_do_not_move_and_without_masks_all_do(name, mask):
    model = fast_twin(random_model(name))
    before = step(important(model, 1.0, mask=mask), stage_of(model, index=2))
    for at, parameter in model.named_parameters():
        still = torch.equal(parameter, before[at])
        assert still == is_owned(at), at
    model = fast_twin(random_model(name))
    before = step(important(model, 1.0, mask=mask, soft_mask=False), stage_of(model, index=2))
    assert not any(torch.equal(p, before[at]) for at, p in model.named_parameters())


def test_query_heads_that_share_keys_protect_them_as_the_most_important_one():
    grouped = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4}
    model = fast_twin(random_model("llama", **grouped))
    method = important(model, 0.0)
    method.importance["heads"][0, 1] = 1.0
    before = step(method, stage_of(model, index=2))
    layer, after = "model.layers.0.self_attn", dict(model.named_parameters())
    moved = {n: (after[n] != before[n]) for n in after if n.startswith(layer)}
    rows = moved[f"{layer}.q_proj.weight"].any(1).unflatten(0, (4, 4)).any(1)
    assert rows.tolist() == [True, False, True, True]
    for part in "kv":
        rows = moved[f"{layer}.{part}_proj.weight"].any(1).unflatten(0, (2, 4)).any(1)
        assert rows.tolist() == [False, True]
    columns = moved[f"{layer}.o_proj.weight"].any(0).unflatten(0, (4, 4)).any(1)
    assert columns.tolist() == [True, False, True, True]


@pytest.mark.parametrize("name", MODELS)
def test_without_its_contrast_the_loss_is_the_plain_one_and_the_forward_pass_untouched(name):
    model = fast_twin(random_model(name))
    stage = stage_of(model, index=2)
    (batch,) = stage.collate(stage.examples, 0)
    model.eval()
    plain = last_states(model, batch)
    torch.manual_seed(3)
    bare = important(model, 0.5, contrast_weight=0.0).loss(stage, batch)
    torch.manual_seed(3)
    assert torch.equal(bare, stage.plain_loss(model, batch))
    assert important(model, 0.5).loss(stage, batch) > bare
    assert torch.equal(last_states(model, batch), plain)


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_a_text_is_pooled_over_the_states_that_predict_its_response(name):
    model = fast_twin(random_model(name))
    stage = stage_of(model, max_length=21)
    model.eval()
    (batch,) = stage.collate(stage.examples, 0)
    assert len(batch.input_ids) < len(batch.example_ids)
    found = pooled_texts(last_states(model, batch), batch)
    for example in stage.examples:
        (single,) = stage.collate([example], 0)
        states = last_states(model, single)[0]
        # A decoder's state at a token predicts the next one; t5's inputs are shifted already.
        start = example.label_start - 1 if name == "llama" else 0
        end = len(example.tokens) - 1 if name == "llama" else len(example.tokens)
        row = batch.example_ids.index(example.id)
        torch.testing.assert_close(found[row], states[start:end].mean(0), rtol=1e-4, atol=1e-5)
    part = first_rows(batch, 0.1)
    count = len(part.example_ids)
    assert len(part.input_ids) == 2 and 2 <= count < len(batch.example_ids)
    torch.testing.assert_close(pooled_texts(last_states(model, part), part), found[:count])


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_the_contrast_of_packed_texts_is_that_of_padded_ones(name):
    """Its value, and its gradients; in evaluation mode, as dropout is drawn row by row."""
    values, gradients = [], []
    for packed in (True, False):
        model = fast_twin(random_model(name))
        stage = stage_of(model, packed=packed)
        stage.model.eval()
        (batch,) = stage.collate(stage.examples, 0)
        values.append(important(model, 0.5, contrast_weight=0.5).loss(stage, batch))
        values[-1].backward()
        gradients.append(stage.gradients())
    torch.testing.assert_close(*values, rtol=1e-5, atol=1e-6)
    assert farthest(*gradients) < 1e-4
    states = pooled_texts(last_states(model, batch), batch)
    assert contrast(states, states, None, 0.05) < values[1]


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_a_network_without_dropout_has_views_that_differ_at_its_gates_only_while_it_trains(name):
    model = fast_twin(random_model(name, **({"dropout_rate": 0.0} if name == "t5" else {})))
    assert not has_dropout(model)
    stage = stage_of(model)
    (batch,) = stage.collate(stage.examples, 0)
    view = view_of(model, stage.family, 0.1)
    with view():
        other = last_states(model, batch)
    assert not torch.allclose(other, last_states(model, batch))
    assert proxy_loss(model, batch, "hidden", view) > 1e-4
    assert proxy_loss(model, batch, "hidden").abs() < 1e-5
    model.eval()
    with view():
        assert torch.equal(last_states(model, batch), last_states(model, batch))


@pytest.mark.parametrize("name", ["gpt2", "opt", "t5"])
def test_dropout_of_a_networks_own_is_found_and_nothing_is_added_to_it(name):
    own = {"gpt2": "resid_pdrop", "opt": "dropout", "t5": "dropout_rate"}[name]
    model = random_model(name, **{own: 0.1})
    assert has_dropout(model)
    (batch,) = stage_of(model).collate(some_examples(FAMILY[name]), 0)
    torch.manual_seed(0)
    with view_of(model, FAMILY[name], 0.5)():
        found = last_states(model, batch)
    torch.manual_seed(0)
    assert torch.equal(found, last_states(model, batch))


@pytest.mark.parametrize("axis", ["hidden", "vocabulary"])
def test_the_proxy_is_a_sum_of_divergences_at_the_labels(axis):
    model = fast_twin(random_model("llama"))
    stage = stage_of(model)
    (batch,) = stage.collate(stage.examples, 0)
    view = view_of(model, "causal", 0.1)
    torch.manual_seed(0)
    found = proxy_loss(model, batch, axis, view)
    torch.manual_seed(0)
    passes = []
    for _ in range(2):
        with view():
            states = last_states(model, batch)
        scores = label_logits(model, batch, states)
        hidden = states.flatten(0, 1)[batch.label_positions]
        passes.append(functional.log_softmax(hidden if axis == "hidden" else scores, -1).double())
    first, second = passes
    wanted = (first.exp() * (first - second)).sum()
    torch.testing.assert_close(found.double(), wanted, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("family", ["causal", "seq2seq"])
def test_two_stages_hand_on_an_importance_that_only_grows(family):
    stage = make_stage(family)
    first = create("das", SMALL)
    first.before_stage(stage)
    general = {name: values.clone() for name, values in first.state().items()}
    cross = {"importance.cross_heads"} if family == "seq2seq" else set()
    assert set(general) == set(STATE) - {"importance.cross_heads"} | cross
    assert all(values.amax() > 0 for values in general.values())
    first.after_stage(stage)
    second = create("das", SMALL)
    second.load_state(first.state())
    second.before_stage(make_stage(family, index=2))
    # Of a kind with few units, none may matter more to the second stage.
    grown = [bool((values > general[name]).any()) for name, values in second.state().items()]
    assert any(grown)
    for name, values in second.state().items():
        assert (values >= general[name]).all()
    assert {f"importance.accumulated.{name.split('.')[1]}.mean" for name in general} <= set(
        first.record()
    )


def test_what_needs_dropout_or_another_family_is_one_sentence():
    with pytest.raises(UserError, match="no dropout.*`gate_dropout` above 0"):
        create("das", {"gate_dropout": 0.0}).before_stage(make_stage("causal"))
    with pytest.raises(UserError, match="another architecture"):
        method = important(new_model("seq2seq"), 0.5)
        method.before_stage(make_stage("causal", index=2))
    with pytest.raises(UserError, match="gate_dropout .* below 1"):
        create("das", {"gate_dropout": 1.0})


def chain(results, stop: int | None = None, monkeypatch=None):
    """Two stages of a decoder, the second stopped at a step and begun again."""
    make_nodes(results)
    spec = stage_spec(method="das", hyper={**SMALL, "mask": "update"}, recipe={"epochs": 1.0})
    train_stage("one", spec, results, "code", 1e9)
    spec |= {"parent": "one", "parent_kind": "stage", "history": ["one", "one"]}
    if stop is not None:
        with stopped_at(stop, monkeypatch):
            train_stage("two", spec, results, "code", 0)
    train_stage("two", spec, results, "code", 1e9)
    return results / "stages" / "two"


def test_a_decoders_stage_that_was_cut_goes_on_bit_identically(tmp_path, monkeypatch):
    whole = chain(tmp_path / "whole")
    cut = chain(tmp_path / "cut", 3, monkeypatch)
    for name in ("model.safetensors", "method_state.safetensors", "training.csv"):
        assert (whole / name).read_bytes() == (cut / name).read_bytes(), name
    assert load_file(whole / "method_state.safetensors")


@pytest.mark.parametrize("family", ["causal", "seq2seq"])
def test_switched_off_it_is_plain_training_bit_by_bit(family):
    weights = []
    off = {**SMALL, "contrast_weight": 0.0, "soft_mask": False}
    for method in (create("das", off), create("sequential", {})):
        stage = make_stage(family)
        train(stage, method, TRAINING, None)
        weights.append({name: p.detach() for name, p in stage.model.named_parameters()})
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[1])
    stage = make_stage(family)
    train(stage, create("das", SMALL), TRAINING, None)
    assert any(not torch.equal(weights[1][name], p) for name, p in stage.model.named_parameters())
