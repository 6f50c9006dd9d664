"""The loss in pieces is the plain loss: its value, its gradients, and less memory."""

import pytest
import torch
import torch.nn.functional as functional
from peft import LoraConfig, inject_adapter_in_model
from plain_reference import (
    DRAW,
    FAMILY,
    RECIPE,
    SEED,
    farthest,
    fast_twin,
    gradients,
    random_model,
    some_examples,
    tokenizer_of,
)
from torch import nn

from lethe.models import chunked_loss
from lethe.models.forward import weighted_loss
from lethe.training.layout import make_collate

LABELS, WIDTH, VOCABULARY = 23, 8, 50


def parts(bias: bool, dtype=torch.float32):
    torch.manual_seed(0)
    layer = nn.Linear(WIDTH, VOCABULARY, bias=bias)
    features = (3 * torch.randn(LABELS, WIDTH)).to(dtype).requires_grad_()
    targets = torch.randint(0, VOCABULARY, (LABELS,))
    weights = torch.rand(LABELS)
    return features, layer, targets, weights


def plain(features, layer, targets, weights):
    losses = functional.cross_entropy(layer(features).float(), targets, reduction="none")
    return (losses * weights).sum()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 7, 23, 100])
def test_value_and_gradients_are_those_of_the_plain_loss(rows, bias):
    features, layer, targets, weights = parts(bias)
    wanted = [features, *layer.parameters()]
    # Scaled, as a method that weighs the loss against another scales it.
    expected = 0.3 * plain(features, layer, targets, weights)
    reference = torch.autograd.grad(expected, wanted)
    found = 0.3 * chunked_loss.chunked_loss(features, layer, targets, weights, rows)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    for gradient, other in zip(torch.autograd.grad(found, wanted), reference, strict=True):
        assert other.norm() > 0
        assert (gradient - other).norm() < 1e-6 * other.norm()


def test_in_bfloat16_it_is_as_near_to_float32_as_the_plain_loss():
    features, layer, targets, weights = parts(bias=True)
    exact = torch.autograd.grad(plain(features, layer, targets, weights), layer.weight)[0]

    def distance(loss) -> float:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss(features, layer, targets, weights)
        gradient = torch.autograd.grad(value, layer.weight)[0]
        assert value.dtype == gradient.dtype == torch.float32
        return float((gradient - exact).norm() / exact.norm())

    assert 0 < distance(chunked_loss.chunked_loss) < 1.5 * distance(plain) < 0.05


def test_frozen_parameters_get_no_gradient_and_the_states_theirs():
    features, layer, targets, weights = parts(bias=True)
    layer.requires_grad_(False)
    expected = torch.autograd.grad(plain(features, layer, targets, weights), features)[0]
    chunked_loss.chunked_loss(features, layer, targets, weights, 5).backward()
    torch.testing.assert_close(features.grad, expected)
    assert layer.weight.grad is None


def test_a_second_backward_pass_is_refused_and_not_wrong():
    features, layer, targets, weights = parts(bias=False)
    loss = chunked_loss.chunked_loss(features, layer, targets, weights, 5)
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="only once"):
        loss.backward()


def largest_tensor(run) -> int:
    """Elements of the largest tensor that an operation makes."""
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.numel())
            return result

    with Watch():
        run()
    return largest


def test_no_tensor_is_larger_than_a_piece_or_the_weight():
    torch.manual_seed(0)
    layer, targets = nn.Linear(4, 300), torch.randint(0, 300, (200,))
    features, weights = torch.randn(200, 4, requires_grad=True), torch.rand(200)

    def run(loss, *more):
        return lambda: loss(features, layer, targets, weights, *more).backward()

    assert largest_tensor(run(plain)) == 200 * 300
    assert largest_tensor(run(chunked_loss.chunked_loss, 10)) == 10 * 300


@pytest.mark.parametrize("model_type", FAMILY)
def test_every_family_takes_its_loss_in_pieces_where_it_is_large(model_type, monkeypatch):
    model = fast_twin(random_model(model_type))
    family = FAMILY[model_type]
    collate = make_collate(RECIPE, tokenizer_of(family), family, model.config, SEED)
    (batch,) = collate(some_examples(family), DRAW)
    loss = weighted_loss(model, batch)
    pieces = []
    taken = chunked_loss._to_gradient

    def counted(scores, *rest):
        pieces.append(len(scores))
        return taken(scores, *rest)

    reference = gradients(model, loss)
    assert not pieces
    monkeypatch.setattr(chunked_loss, "_to_gradient", counted)
    monkeypatch.setattr(chunked_loss, "LARGE", 1)
    monkeypatch.setitem(chunked_loss.PIECE, "cpu", 5 * model.config.vocab_size)
    again = weighted_loss(model, batch)
    assert sum(pieces) == len(batch.targets) and max(pieces) == 5
    torch.testing.assert_close(again, loss, rtol=1e-5, atol=0)
    assert farthest(gradients(model, again), reference) < 1e-5


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_with_lora_on_the_output_layer_pieces_have_the_plain_loss_and_gradients(rows, monkeypatch):
    """And no more logits than a piece's are kept for the backward pass."""
    features, layer, targets, weights = parts(bias=False)
    head = nn.ModuleDict({"lm_head": layer})
    config = LoraConfig(r=2, target_modules=["lm_head"], init_lora_weights=False)
    layer = inject_adapter_in_model(config, head)["lm_head"]
    assert not chunked_loss.is_linear(layer)
    wanted = [features, *(p for p in layer.parameters() if p.requires_grad)]
    expected = plain(features, layer, targets, weights)
    reference = torch.autograd.grad(expected, wanted)
    monkeypatch.setattr(chunked_loss, "LARGE", 1)
    monkeypatch.setattr(chunked_loss, "PIECE", {"cpu": rows * VOCABULARY})
    largest = []
    layer.register_forward_hook(lambda _, __, logits: largest.append(len(logits)))
    found = chunked_loss.weighted_loss(features, layer, targets, weights)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    for gradient, other in zip(torch.autograd.grad(found, wanted), reference, strict=True):
        assert (gradient - other).norm() < 1e-6 * other.norm()
    assert max(largest) == min(rows, LABELS)
