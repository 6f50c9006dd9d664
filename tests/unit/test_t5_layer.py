"""A T5's layers as one operation each compute what transformers computes, and step aside."""

from dataclasses import replace

import pytest
import torch
from seq2seq_model import make_model, some_examples

from lethe.data.seq2seq_batches import collate
from lethe.models import forward, last_states, t5_forward

# Relative, of float32.
LOSS, GRADIENT = 1e-6, 1e-5
GATED = {"feed_forward_proj": "gated-gelu"}


def network(architecture="t5", **changes):
    model = make_model(architecture, **changes).train()
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return model


def batch(packed=True):
    return collate(
        some_examples(), packed=packed, normalisation="token", pad_token=0, start_token=0
    )[0]


def pass_of(model, loss_of):
    model.zero_grad()
    torch.manual_seed(5)
    loss = loss_of(model)
    loss.backward()
    return loss.item(), {
        n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None
    }


def by_transformers(monkeypatch, model, loss_of):
    with monkeypatch.context() as patch:
        patch.setattr(t5_forward, "applies", lambda model: False)
        return pass_of(model, loss_of)


def compared(monkeypatch, model, loss_of):
    assert t5_forward.applies(model)
    loss, gradients = pass_of(model, loss_of)
    wanted, theirs = by_transformers(monkeypatch, model, loss_of)
    assert loss == pytest.approx(wanted, rel=LOSS)
    assert gradients.keys() == theirs.keys()
    largest = max(gradient.norm() for gradient in theirs.values())
    for name, gradient in theirs.items():
        scale = max(gradient.norm(), 1e-2 * largest)
        assert (gradients[name] - gradient).norm() <= GRADIENT * scale, name


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("drop", [0.0, 0.1])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("t5", {}),
        ("t5", {"tie_word_embeddings": False}),
        ("t5", GATED),
        ("mt5", {}),
        ("t5", {"num_layers": 3, "num_decoder_layers": 1}),
    ],
    ids=["tied", "not scaled", "gated", "mt5", "other depths"],
)
def test_loss_and_every_gradient_are_those_of_transformers(
    monkeypatch, architecture, changes, attention, drop, packed
):
    model, labels = network(architecture, dropout_rate=drop, **changes), batch(packed)
    assert (len(labels.input_ids) < len(labels.example_ids)) == packed
    model.set_attn_implementation(attention)
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "padded"])
def test_all_states_of_the_decoder_and_their_gradients_are_those_of_transformers(
    monkeypatch, packed
):
    labels = batch(packed)
    real = labels.document_ids >= 0
    weights = torch.randn(*labels.input_ids.shape, 16, generator=torch.Generator().manual_seed(1))

    def loss_of(model):
        return (last_states.last_states(model, labels) + weights).square()[real].sum()

    compared(monkeypatch, network(dropout_rate=0.1), loss_of)


def test_every_part_of_a_layer_has_values_of_its_own(monkeypatch):
    model, labels = network(**GATED), batch()
    for number, module in enumerate(model.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.02 * (number % 7)
        if type(module).__name__ == "T5Attention":
            module.dropout = 0.03 * (number % 5)
        if hasattr(module, "variance_epsilon"):
            module.variance_epsilon = 1e-3 * (1 + number % 3)
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))
    # torch draws nothing where all is dropped.
    model.decoder.block[0].layer[1].EncDecAttention.dropout = 1.0
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))


def test_nothing_is_dropped_outside_training(monkeypatch):
    model, labels = network(dropout_rate=0.3).eval(), batch()
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))
    with torch.no_grad():
        losses = forward.token_losses(model, labels)
        monkeypatch.setattr(t5_forward, "applies", lambda model: False)
        assert torch.allclose(losses, forward.token_losses(model, labels), rtol=1e-5)


def test_a_pass_without_training_leaves_nothing_that_training_cannot_use():
    model, labels = network(relative_attention_max_distance=17), batch()
    with torch.inference_mode():
        forward.weighted_loss(model, labels)
    forward.weighted_loss(model, labels).backward()
    assert model.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight.grad.any()


@pytest.mark.parametrize(
    "left", ["relative_attention_bias", "encoder.block.0", "decoder.block.1.layer.1", ".k."]
)
def test_frozen_weights_keep_the_gradients_of_the_rest(monkeypatch, left):
    model, labels = network(), batch()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(left in name)
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))


def test_a_network_that_is_frozen_has_a_loss_without_gradient():
    model = network().requires_grad_(False)
    assert not forward.weighted_loss(model, batch()).requires_grad


def test_a_step_with_few_labels_or_none(monkeypatch):
    model = network(tie_word_embeddings=False)
    for whole in (batch(True), batch(False)):
        in_rows = whole.label_positions // whole.input_ids.shape[1]
        for kept in ([5], in_rows > 0, []):
            some = replace(
                whole,
                label_positions=whole.label_positions[kept],
                targets=whole.targets[kept],
                weights=whole.weights[kept],
            )
            compared(
                monkeypatch, model, lambda model, some=some: forward.weighted_loss(model, some)
            )


@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_recomputed_activations_and_a_second_pass_change_no_bit(drop):
    model, labels = network(dropout_rate=drop), batch()

    def loss_of(model):
        return forward.weighted_loss(model, labels)

    (loss, gradients), (again, more) = pass_of(model, loss_of), pass_of(model, loss_of)
    model.activation_checkpointing_enable()
    assert t5_forward.applies(model)
    last, recomputed = pass_of(model, loss_of)
    assert loss == again == last
    for name, gradient in gradients.items():
        assert torch.equal(gradient, more[name])
        assert torch.equal(gradient, recomputed[name])


def test_a_gradient_of_gradients_is_refused_and_never_wrong():
    model = network(tie_word_embeddings=False)
    weights = [model.encoder.block[0].layer[0].SelfAttention.q.weight, model.lm_head.weight]
    loss = forward.weighted_loss(model, batch())
    with pytest.raises(RuntimeError, match="once_differentiable|not implemented"):
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        sum(gradient.square().sum() for gradient in gradients).backward()


@pytest.mark.parametrize(
    "changes", [{"feed_forward_proj": "gated-silu"}, {"feed_forward_proj": "gelu"}]
)
def test_an_activation_that_it_cannot_compute_goes_through_transformers(changes):
    assert not t5_forward.applies(network(**changes))


def test_other_numbers_hooks_and_modules_go_through_transformers():
    assert not t5_forward.applies(network().bfloat16())
    assert not t5_forward.applies(network().double())
    model = network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not t5_forward.applies(model)
    seen = []
    place = model.decoder.block[1].layer[1].EncDecAttention.v
    handle = place.register_forward_hook(lambda *_: seen.append(True))
    forward.weighted_loss(model, batch())
    assert seen
    handle.remove()
    assert t5_forward.applies(model)
    model.encoder.block[0].layer[1].DenseReluDense.wi = type("Other", (torch.nn.Linear,), {})(
        16, 32, bias=False
    )
    assert not t5_forward.applies(model)
