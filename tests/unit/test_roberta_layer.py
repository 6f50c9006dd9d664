"""A RoBERTa's layers as one operation each compute what transformers computes, dropout included."""

from dataclasses import replace

import pytest
import torch
from masked_model import masked_model

from lethe.data.examples import Example
from lethe.data.masked_batches import Masking, collate
from lethe.endtasks.batches import LabelledBatch, classification_loss
from lethe.endtasks.classifier import Classifier
from lethe.models import forward, masked_forward, roberta_forward

DROPOUT = {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.2}
# Relative, of float32.
LOSS, GRADIENT = 1e-6, 1e-5


def network(**changes):
    return masked_model(**{**DROPOUT, **changes}).train()


def batch(width=None):
    draw = torch.Generator().manual_seed(3)
    texts = [torch.randint(5, 20, (n,), generator=draw).tolist() for n in (19, 11, 7, 23, 5)]
    examples = [
        Example(id=str(n), source="s", tokens=(0, *text, 2), label_start=1)
        for n, text in enumerate(texts)
    ]
    masking = Masking(4, special_tokens=(0, 1, 2, 3, 4), vocabulary=20, share=0.3)
    settings = {"masking": masking, "seed": 3, "normalisation": "token", "pad_token": 1}
    return collate(examples, draw=0, width=width, **settings)[0]


def pass_of(model, loss_of):
    model.zero_grad()
    torch.manual_seed(5)
    loss = loss_of(model)
    loss.backward()
    return loss.item(), {
        n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None
    }


def compared(monkeypatch, model, loss_of):
    assert roberta_forward.applies(model)
    loss, gradients = pass_of(model, loss_of)
    with monkeypatch.context() as patch:
        patch.setattr(roberta_forward, "applies", lambda model: False)
        wanted, theirs = pass_of(model, loss_of)
    assert loss == pytest.approx(wanted, rel=LOSS)
    assert gradients.keys() == theirs.keys()
    largest = max(gradient.norm() for gradient in theirs.values())
    for name, gradient in theirs.items():
        # A key's bias has no gradient but rounding.
        scale = max(gradient.norm(), 1e-2 * largest)
        assert (gradients[name] - gradient).norm() <= GRADIENT * scale, name


@pytest.mark.parametrize("width", [None, 32], ids=["padded", "unpadded"])
@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_loss_and_every_gradient_are_those_of_transformers(monkeypatch, width, drop):
    labels = batch(width)
    assert labels.unpadded == (width is not None)
    model = network(hidden_dropout_prob=drop)
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))


@pytest.mark.parametrize("width", [None, 32], ids=["padded", "unpadded"])
def test_all_states_and_their_gradients_are_those_of_transformers(monkeypatch, width):
    labels = batch(width)
    real = labels.document_ids >= 0
    weights = torch.randn(*labels.input_ids.shape, 16, generator=torch.Generator().manual_seed(1))

    def loss_of(model):
        states = masked_forward.hidden_states(model, labels, labels.original_ids)
        return (states + weights).square()[real].sum()

    compared(monkeypatch, network(), loss_of)


@pytest.mark.parametrize("width", [None, 32], ids=["padded", "unpadded"])
def test_the_two_halves_of_a_layer_have_values_of_their_own(monkeypatch, width):
    model, labels = network(), batch(width)
    for layer in model.roberta.encoder.layer:
        layer.attention.output.dropout.p = 0.3
        layer.attention.output.LayerNorm.eps = 1e-2
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))
    # torch draws nothing where all is dropped.
    model.roberta.encoder.layer[0].attention.self.dropout.p = 1.0
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))


@pytest.mark.parametrize("left", ["bias", "1.attention.self.key.weight", "encoder.layer.1"])
def test_frozen_weights_keep_the_gradients_of_the_rest(monkeypatch, left):
    model, labels = network(), batch(32)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(left in name)
    compared(monkeypatch, model, lambda model: forward.weighted_loss(model, labels))


def test_a_step_with_few_labels_or_none(monkeypatch):
    model = network()
    for labels in (batch(), batch(32)):
        in_rows = labels.label_positions // labels.input_ids.shape[1]
        for kept in ([0], in_rows > 0, []):
            some = replace(
                labels,
                label_positions=labels.label_positions[kept],
                targets=labels.targets[kept],
                weights=labels.weights[kept],
            )
            compared(
                monkeypatch, model, lambda model, some=some: forward.weighted_loss(model, some)
            )


def test_two_passes_of_one_draw_are_equal_to_the_last_bit():
    model, labels = network(), batch()
    (loss, gradients), (again, more) = (
        pass_of(model, lambda model: forward.weighted_loss(model, labels)) for _ in range(2)
    )
    assert loss == again
    assert all(torch.equal(gradients[name], more[name]) for name in gradients)


def test_recomputed_activations_change_no_bit():
    model, labels = network(), batch()
    loss, gradients = pass_of(model, lambda model: forward.weighted_loss(model, labels))
    model.activation_checkpointing_enable()
    again, recomputed = pass_of(model, lambda model: forward.weighted_loss(model, labels))
    assert loss == again
    assert all(torch.equal(gradients[name], recomputed[name]) for name in gradients)


@pytest.mark.parametrize("slot", [None, 4], ids=["first", "slot"])
def test_a_classifier_on_one_state_of_each_text_is_the_same(monkeypatch, slot):
    model = Classifier(network().base_model, 3, seed=0, slot=slot).train()
    tokens = torch.randint(5, 20, (6, 11), generator=torch.Generator().manual_seed(3))
    tokens[torch.arange(6), torch.tensor([1, 3, 2, 7, 5, 4])] = 4
    mask = (torch.arange(11) < torch.tensor([11, 8, 9, 11, 10, 6])[:, None]).long()
    labels = LabelledBatch(tokens, mask, torch.tensor([0, 1, 2, 0, 1, 2]), 1.0)

    def loss_and_gradients():
        model.zero_grad()
        torch.manual_seed(5)
        loss = classification_loss(model, labels)
        loss.backward()
        found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        return loss.item(), found

    assert roberta_forward.applies(model.encoder)
    loss, gradients = loss_and_gradients()
    monkeypatch.setattr(roberta_forward, "applies", lambda model: False)
    wanted, theirs = loss_and_gradients()
    assert loss == pytest.approx(wanted, rel=LOSS)
    assert gradients.keys() == theirs.keys()
    largest = max(gradient.norm() for gradient in theirs.values())
    for name, gradient in theirs.items():
        scale = max(gradient.norm(), 1e-2 * largest)
        assert (gradients[name] - gradient).norm() <= GRADIENT * scale, name


def test_what_it_cannot_compute_goes_through_transformers():
    assert roberta_forward.applies(network())
    assert not roberta_forward.applies(network().eval())
    assert not roberta_forward.applies(network(attention_probs_dropout_prob=0.0))
    assert not roberta_forward.applies(network(hidden_act="relu"))
    assert not roberta_forward.applies(network().bfloat16())
    one = network()
    one.roberta.encoder.layer[1].output.dropout.eval()
    assert not roberta_forward.applies(one)
    hooked = network()
    hooked.roberta.encoder.layer[0].output.register_forward_hook(lambda *_: None)
    assert not roberta_forward.applies(hooked)
