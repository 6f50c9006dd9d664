"""A LLaMA's layers as one operation each compute what transformers computes, and step aside."""

from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from lethe.data.batches import collate
from lethe.data.examples import Example
from lethe.models import forward, llama_forward

# Relative, of float32.
LOSS, GRADIENT = 1e-6, 1e-5


def network(**changes) -> LlamaForCausalLM:
    torch.manual_seed(1)
    sizes = {
        "vocab_size": 53,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
        "tie_word_embeddings": True,
    }
    model = LlamaForCausalLM(LlamaConfig(**{**sizes, **changes})).train()
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return model


def batch(label_start: int):
    draw = torch.Generator().manual_seed(3)
    texts = [torch.randint(3, 53, (n,), generator=draw).tolist() for n in (19, 11, 7, 23, 5)]
    examples = [
        Example(
            id=str(n), source="s", tokens=tuple(text), label_start=min(label_start, len(text) - 1)
        )
        for n, text in enumerate(texts)
    ]
    return collate(examples, width=32, packed=True, normalisation="token", pad_token=0)[0]


def pass_of(model, labels):
    model.zero_grad()
    loss = forward.weighted_loss(model, labels)
    loss.backward()
    return loss.item(), {n: p.grad.clone() for n, p in model.named_parameters()}


def by_transformers(monkeypatch, model, labels):
    with monkeypatch.context() as patch:
        patch.setattr(llama_forward, "applies", lambda model: False)
        return pass_of(model, labels)


@pytest.mark.parametrize("label_start", [1, 15], ids=["all labelled", "few labelled"])
@pytest.mark.parametrize("tied", [True, False])
def test_loss_and_every_gradient_are_those_of_transformers(monkeypatch, label_start, tied):
    model, labels = network(tie_word_embeddings=tied), batch(label_start)
    assert llama_forward.applies(model)
    loss, gradients = pass_of(model, labels)
    wanted, theirs = by_transformers(monkeypatch, model, labels)
    assert loss == pytest.approx(wanted, rel=LOSS)
    for name, gradient in theirs.items():
        assert (gradients[name] - gradient).norm() <= GRADIENT * gradient.norm(), name


def test_two_passes_are_equal_to_the_last_bit():
    model, labels = network(), batch(8)
    (loss, gradients), (again, more) = pass_of(model, labels), pass_of(model, labels)
    assert loss == again
    assert all(torch.equal(gradients[name], more[name]) for name in gradients)


def test_a_frozen_network_and_frozen_layers_keep_the_gradients_of_the_rest(monkeypatch):
    model, labels = network(tie_word_embeddings=False), batch(8)
    model.model.embed_tokens.requires_grad_(False)
    model.model.layers[0].requires_grad_(False)
    model.model.layers[1].mlp.requires_grad_(False)
    forward.weighted_loss(model, labels).backward()
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}
    model.zero_grad()
    with monkeypatch.context() as patch:
        patch.setattr(llama_forward, "applies", lambda model: False)
        forward.weighted_loss(model, labels).backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == (name not in found)
        if parameter.grad is not None:
            distance = (found[name] - parameter.grad).norm()
            assert distance <= GRADIENT * parameter.grad.norm(), name
    model.requires_grad_(False)
    assert not forward.weighted_loss(model, labels).requires_grad


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 1},
        {"attention_dropout": 0.1},
        {"attention_bias": True},
        {"mlp_bias": True},
        {"hidden_act": "gelu"},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_network_that_it_cannot_compute_goes_through_transformers(changes):
    assert not llama_forward.applies(network(**changes))


def test_a_network_with_hooks_or_other_modules_goes_through_transformers():
    model = network()
    seen = []
    place = model.model.layers[1].mlp.down_proj
    handle = place.register_forward_hook(lambda *_: seen.append(True))
    forward.weighted_loss(model, batch(8))
    assert seen
    handle.remove()
    assert llama_forward.applies(model)
    model.config.num_hidden_layers = 2
    assert not llama_forward.applies(model)
    model.config.num_hidden_layers = 3
    model.model.layers[1].mlp.down_proj = type("Other", (torch.nn.Linear,), {})(48, 32, bias=False)
    assert not llama_forward.applies(model)


def test_one_label_and_a_row_without_any_have_their_gradients(monkeypatch):
    model, whole = network(tie_word_embeddings=False), batch(1)
    in_rows = whole.label_positions // whole.input_ids.shape[1]
    for kept in ([5], in_rows > 0, []):
        some = replace(
            whole,
            label_positions=whole.label_positions[kept],
            targets=whole.targets[kept],
            weights=whole.weights[kept],
        )
        loss, gradients = pass_of(model, some)
        wanted, theirs = by_transformers(monkeypatch, model, some)
        assert loss == pytest.approx(wanted, rel=LOSS)
        largest = max(gradient.norm() for gradient in theirs.values())
        for name, gradient in theirs.items():
            scale = max(gradient.norm(), 1e-2 * largest)
            assert (gradients[name] - gradient).norm() <= GRADIENT * scale, name


def test_recomputed_activations_change_no_bit():
    model, labels = network(), batch(8)
    loss, gradients = pass_of(model, labels)
    model.activation_checkpointing_enable()
    again, recomputed = pass_of(model, labels)
    assert loss == again
    assert all(torch.equal(gradients[name], recomputed[name]) for name in gradients)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_gradient_of_gradients_is_refused_and_never_wrong(frozen):
    model = network(tie_word_embeddings=False)
    for layer in (model.model.embed_tokens, model.model.layers):
        layer.requires_grad_(not frozen)
    weights = [p for p in model.parameters() if p.requires_grad]
    loss = forward.weighted_loss(model, batch(8))
    with pytest.raises(RuntimeError, match="once_differentiable|not implemented"):
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        sum(gradient.square().sum() for gradient in gradients).backward()


def test_other_types_of_number_go_through_transformers():
    assert not llama_forward.applies(network().bfloat16())
    model = network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not llama_forward.applies(model)
